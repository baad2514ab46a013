namespace Starling.Cli.Tests;

public sealed class SampleTests
{
    [Fact]
    public async Task The_ten_lines_of_the_readme_chat_with_whom_they_find()
    {
        await using var chat = ToolProcess.StartProgram("Chat.dll");
        await using var pub = ToolProcess.Start("pub", "chat", "--wait", "60");
        await pub.WriteAsync("hello, starling\n"u8.ToArray());

        var heard = await chat.OutputLineAsync(line => line.EndsWith(": hello, starling", StringComparison.Ordinal));
        await chat.WriteAsync("hello yourself\n"u8.ToArray());
        var said = await chat.OutputLineAsync(line => !line.Contains(':', StringComparison.Ordinal));
        pub.EndInput();
        chat.EndInput();

        Assert.Equal((0, 0), (await pub.ExitAsync(), await chat.ExitAsync()));
        Assert.StartsWith("12D3KooW", heard);
        Assert.Contains(said, new[] { "Sent", "NoPeers" });
    }
}
