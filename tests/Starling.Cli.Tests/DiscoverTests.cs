using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Starling.Cli.Tests;

public sealed class DiscoverTests
{
    [Theory]
    [InlineData("mdns")]
    [InlineData("ssdp")]
    public async Task Peers_are_told_one_a_line_with_their_addresses(string provider)
    {
        var port = FreeUdpPort();
        var options = new StarlingOptions { Discovery = { Providers = [provider], Mdns = { Port = port }, Ssdp = { Port = port } } };
        await using var node = await StarlingNode.StartAsync(options, TestContext.Current.CancellationToken);
        string[] common = ["--provider", provider, "--port", port.ToString(CultureInfo.InvariantCulture), "--limit", "1", "--timeout", "30"];

        var text = await ToolProcess.RunAsync(["discover", .. common]);
        Assert.Equal(0, text.Code);
        Assert.Equal($"{node.PeerId} {node.Addresses[0].WithoutPeerId()} ({provider})", text.Output.Trim());

        var json = await ToolProcess.RunAsync(["discover", .. common, "--json"]);
        Assert.Equal(0, json.Code);
        var peer = JsonDocument.Parse(json.Output).RootElement;
        Assert.Equal(node.PeerId.ToString(), peer.GetProperty("peer").GetString());
        Assert.Equal(provider, peer.GetProperty("source").GetString());
        Assert.Equal(node.Addresses[0].ToString(), Assert.Single(peer.GetProperty("addresses").EnumerateArray()).GetString());
        Assert.Empty(node.Links);
    }

    [Fact]
    public async Task Finding_nobody_is_a_failure_that_says_so()
    {
        var port = FreeUdpPort().ToString(CultureInfo.InvariantCulture);
        var none = await ToolProcess.RunAsync("discover", "--port", port, "--timeout", "0.2");
        Assert.Equal(1, none.Code);
        Assert.Contains("nobody was found by mdns within 0.2 s", none.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_way_is_named_with_the_known_ones()
    {
        var unknown = await ToolProcess.RunAsync("discover", "--provider", "pigeon");
        Assert.Equal(1, unknown.Code);
        Assert.Contains("'pigeon'", unknown.Errors, StringComparison.Ordinal);
        Assert.Contains("mdns, ssdp", unknown.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_tells_its_peers_the_addresses_that_it_is_to_announce()
    {
        await using var tool = ToolProcess.Start("node", "--mdns", "off", "--admin", "off", "--announce", "203.0.113.7:4001");
        var listening = await tool.ErrorLineAsync(line => line.StartsWith("listening ", StringComparison.Ordinal));
        await using var node = await StarlingNode.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        var link = await node.ConnectAsync(listening.Split(' ')[1], TestContext.Current.CancellationToken);
        Assert.Equal(["/ip4/203.0.113.7/tcp/4001"], link.Info.ListenAddresses.Select(one => one.ToString()));
        tool.Interrupt();
        Assert.Equal(0, await tool.ExitAsync());
    }

    private static int FreeUdpPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
