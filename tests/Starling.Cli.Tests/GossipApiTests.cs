using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Starling.Cli.Tests;

public sealed class GossipApiTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Programs_that_speak_the_gossip_api_reach_each_other_over_two_processes()
    {
        using var folder = new TemporaryFolder();
        await using var first = Start(folder, "first.ini", "[gossip]\r\ncache_size = 50\r\nlisten_address = 127.0.0.1:0\r\napi_address = 127.0.0.1:0\r\n");
        var address = Text(await EventAsync(first, "listening"), "address");
        await using var second = Start(folder, "second.ini", $"[GOSSIP]\nbootstrapper = {address}\nAPI_ADDRESS = 127.0.0.1:0\nmax_ttl = 4\n");
        await EventAsync(first, "connected");
        await EventAsync(second, "connected");
        using var subscriber = await ConnectAsync(await EventAsync(second, "api"));
        using var announcer = await ConnectAsync(await EventAsync(first, "api"));

        await subscriber.SendAsync(Convert.FromHexString("000801f500000018"));
        Assert.Equal(24, (await EventAsync(second, "registered")).GetProperty("type").GetInt32());
        await announcer.SendAsync(Convert.FromHexString("000a01f4200000182050"));
        var got = new byte[10];
        for (var filled = 0; filled < got.Length;) filled += await subscriber.ReceiveAsync(got.AsMemory(filled)).AsTask().WaitAsync(Patience) is var count and > 0 ? count : throw new InvalidOperationException("closed");
        Assert.Equal("000A01F6000000182050", Convert.ToHexString(got));
        await subscriber.SendAsync(Convert.FromHexString("000801f700000001"));

        var announced = await EventAsync(first, "announced");
        Assert.Equal(("Spread", "Sent", 1), (Text(announced, "outcome"), Text(announced, "status"), announced.GetProperty("neighbours").GetInt32()));
        Assert.Equal("Accepted", Text(await EventAsync(second, "judged"), "outcome"));
        await announcer.SendAsync(Convert.FromHexString("00030000"));
        Assert.Equal("TooShort", Text(await EventAsync(first, "client-closed"), "reason"));
        first.Terminate();
        second.Interrupt();
        Assert.Equal((0, 0), (await first.ExitAsync(), await second.ExitAsync()));
        Assert.Equal(("", ""), (first.Errors, second.Errors));
    }

    [Fact]
    public async Task It_says_where_it_listens_and_what_in_the_file_does_not_count()
    {
        using var folder = new TemporaryFolder();
        await using var tool = ToolProcess.Start("gossip-api", "--config", folder.File("gossip.ini", "[gossip]\napi_address = [::1]:0\nfanout = 3\n"u8));

        Assert.StartsWith("api [::1]:", await tool.ErrorLineAsync(line => line.StartsWith("api ", StringComparison.Ordinal)));
        Assert.StartsWith("listening /ip4/127.0.0.1/tcp/", await tool.ErrorLineAsync(line => line.StartsWith("listening ", StringComparison.Ordinal)));
        await tool.ErrorLineAsync(line => line.EndsWith("gossip.ini:3: the key 'fanout' is not known and does not count", StringComparison.Ordinal));
        tool.Terminate();

        Assert.Equal((0, ""), (await tool.ExitAsync(), tool.Output));
    }

    [Theory]
    [InlineData("[gossip]\n\n\n\n\n\ndegree = many\n", "gossip.ini:7: degree is 'many'; use a whole number from 1 to 64")]
    [InlineData("hostkey = none.pem\n[gossip]\ndegree = 3\n", "none.pem")]
    [InlineData("[gossip]\napi_address = 192.0.2.1:7001\n", "192.0.2.1:7001")]
    public async Task What_is_wrong_in_the_file_is_one_line_and_exit_code_one(string text, string named)
    {
        using var folder = new TemporaryFolder();
        var run = await ToolProcess.RunAsync("gossip-api", "--config", folder.File("gossip.ini", Encoding.UTF8.GetBytes(text)));

        Assert.Equal((1, ""), (run.Code, run.Output));
        Assert.Contains(named, Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task A_file_that_is_missing_is_one_line_and_exit_code_one()
    {
        Assert.Contains("--config", Assert.Single((await ToolProcess.RunAsync("gossip-api")).ErrorLines));
        var run = await ToolProcess.RunAsync("gossip-api", "--config", "nowhere.ini");

        Assert.Equal(1, run.Code);
        Assert.Contains("nowhere.ini", Assert.Single(run.ErrorLines));
    }

    private static ToolProcess Start(TemporaryFolder folder, string name, string text) => ToolProcess.Start("gossip-api", "--json", "--config", folder.File(name, Encoding.UTF8.GetBytes(text)));

    private static async Task<Socket> ConnectAsync(JsonElement api)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(Text(api, "address"))).WaitAsync(Patience);
        return socket;
    }

    private static string Text(JsonElement line, string name) => line.GetProperty(name).GetString()!;

    private static async Task<JsonElement> EventAsync(ToolProcess tool, string name) =>
        JsonDocument.Parse(await tool.OutputLineAsync(line => line.Contains($"\"event\":\"{name}\"", StringComparison.Ordinal))).RootElement;
}
