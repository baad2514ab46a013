using System.Diagnostics;
using Starling.Interop.Tests.Support;

namespace Starling.Interop.Tests;

/// <summary>Two nodes in a network namespace whose packets are lost or late.</summary>
public sealed class NetworkTroubleTests
{
    private static readonly string[] Node = ["node", "--mdns", "off", "--admin", "off", "--json"];

    [Fact]
    public async Task A_neighbour_whose_packets_are_dropped_is_reported_within_three_to_ten_seconds()
    {
        await using var network = await NetworkNamespace.CreateAsync();
        await using var node = Tool.Start(network.Enter, Node);
        var address = (await node.EventAsync("listening")).GetProperty("address").GetString()!;
        await using var neighbour = Tool.Start(network.Enter, [.. Node, "--connect", address]);
        await node.EventAsync("connected");
        await neighbour.EventAsync("connected");
        var dropped = Stopwatch.GetTimestamp();
        await network.RunAsync("ip", "link", "set", "lo", "down");

        var lost = await Task.WhenAll(node.EventAsync("disconnected"), neighbour.EventAsync("disconnected"));
        Assert.All(lost, gone => Assert.Equal("KeepAliveTimeout", gone.GetProperty("reason").GetString()));
        Assert.InRange(Stopwatch.GetElapsedTime(dropped).TotalSeconds, 3, 10 * 3);
        await Task.WhenAll(node.InterruptAsync(), neighbour.InterruptAsync());
    }

    [Fact]
    public async Task A_neighbour_is_kept_while_packets_are_late_and_some_are_lost()
    {
        await using var network = await NetworkNamespace.CreateAsync();
        try
        {
            await network.RunAsync("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "50ms", "10ms", "loss", "3%");
        }
        catch (InvalidOperationException e)
        {
            Assert.Skip($"No delay and loss can be made in a network namespace here: {e.Message}");
        }

        await using var node = Tool.Start(network.Enter, Node);
        var address = (await node.EventAsync("listening")).GetProperty("address").GetString()!;
        await using var neighbour = Tool.Start(network.Enter, [.. Node, "--connect", address]);
        var peer = (await node.EventAsync("connected")).GetProperty("peer").GetString();
        await neighbour.EventAsync("connected");
        await using var ping = Tool.Start(network.Enter, "ping", address, "--count", "12", "--json");
        await ping.Ended.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

        Assert.Equal(0, await neighbour.InterruptAsync());
        var gone = await node.EventAsync("disconnected", e => e.GetProperty("peer").GetString() == peer);
        Assert.Equal("RemoteClose", gone.GetProperty("reason").GetString());
        await node.InterruptAsync();
    }
}
