using Starling.Interop.Tests.Support;

namespace Starling.Interop.Tests;

/// <summary>mDNS between the tool and js-libp2p, which multicasts on every interface: so in a network namespace of their own.</summary>
public sealed class JsDiscoveryTests
{
    [Fact]
    public async Task A_starling_node_and_a_js_peer_find_each_other()
    {
        await using var network = await NetworkNamespace.CreateAsync();
        await using var tool = Tool.Start(network.Enter, "node", "--mdns", "on", "--interface", "127.0.0.1", "--listen", "/ip4/127.0.0.1/tcp/0", "--json");
        var listening = await tool.EventAsync("listening");
        var id = listening.GetProperty("peer").GetString();
        await using var js = await JsPeer.StartAsync("tls,noise", discover: true, within: network.Enter);

        var found = await js.EventAsync("discovered", e => e.GetProperty("peer").GetString() == id);
        Assert.NotEmpty(found.GetProperty("addresses").EnumerateArray());
        var linked = await tool.EventAsync("connected", e => e.GetProperty("peer").GetString() == js.Id.ToString());
        Assert.StartsWith("/ip4/127.0.0.1/tcp/", linked.GetProperty("address").GetString(), StringComparison.Ordinal);

        Assert.Equal(0, await tool.InterruptAsync());
        await js.EventAsync("disconnected", e => e.GetProperty("peer").GetString() == id);
    }
}
