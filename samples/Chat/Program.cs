using System.Text;
using Starling;

await using var node = await StarlingNode.StartAsync(new StarlingOptions { Mdns = true });
_ = Task.Run(async () =>
{
    await foreach (var message in await node.SubscribeAsync("chat"))
        Console.WriteLine($"{message.Origin}: {Encoding.UTF8.GetString(message.Data.Span)}");
});
while (Console.ReadLine() is { } line)
    Console.WriteLine((await node.PublishAsync("chat", Encoding.UTF8.GetBytes(line))).Status);
