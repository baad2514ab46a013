using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Starling.Tests;

public class HealthCheckTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Readiness_follows_the_life_and_the_neighbours_of_the_node_and_liveness_only_its_end()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddStarling(_ => { });
        builder.Services.AddLogging().AddHealthChecks().AddStarling(neighbours: 1);
        using var host = builder.Build();
        var node = host.Services.GetRequiredService<StarlingNode>();
        var checks = host.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Unhealthy), await CheckAsync(checks));

        await host.StartAsync().WaitAsync(Patience);
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Unhealthy), await CheckAsync(checks));
        await using var other = await StarlingNode.StartAsync();
        await node.ConnectAsync(other.Addresses[0]).WaitAsync(Patience);
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Healthy), await CheckAsync(checks));

        await node.DrainAsync().WaitAsync(Patience);
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Unhealthy), await CheckAsync(checks));
        Assert.Single(node.Links);
        await host.StopAsync().WaitAsync(Patience);
        Assert.Equal((HealthStatus.Unhealthy, HealthStatus.Unhealthy), await CheckAsync(checks));
    }

    [Fact]
    public async Task A_node_that_drains_refuses_new_links_with_the_reason_and_keeps_the_old_ones()
    {
        await using var node = await StarlingNode.StartAsync();
        await using var old = await StarlingNode.StartAsync();
        await using var late = await StarlingNode.StartAsync();
        var kept = await old.ConnectAsync(node.Addresses[0]).WaitAsync(Patience);
        await node.DrainAsync().WaitAsync(Patience);

        var refused = await Assert.ThrowsAsync<HandshakeException>(() => late.ConnectAsync(node.Addresses[0]).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.RefusedByRemote, refused.Failure);
        Assert.Contains("about to stop", refused.Message, StringComparison.Ordinal);
        Assert.Equal(HandshakeFailure.RefusedLocally, (await Assert.ThrowsAsync<HandshakeException>(() => node.ConnectAsync(late.Addresses[0]).WaitAsync(Patience))).Failure);
        Assert.False(kept.Connection.Closed.IsCompleted);
        Assert.Equal(NodeState.Draining, node.State);
        await node.StopAsync().WaitAsync(Patience);
        Assert.Equal(NodeState.Stopped, node.State);
    }

    [Fact]
    public async Task Draining_refuses_new_calls_and_waits_for_those_under_way()
    {
        await using var node = await StarlingNode.StartAsync();
        await using var caller = await StarlingNode.StartAsync();
        await caller.ConnectAsync(node.Addresses[0]).WaitAsync(Patience);
        var (entered, leave) = (new TaskCompletionSource(), new TaskCompletionSource());
        using var slow = node.HandleRequest("slow", async (request, _) =>
        {
            entered.TrySetResult();
            await leave.Task;
            return request.Payload;
        });
        var call = caller.RequestAsync(node.PeerId, "slow", "1"u8.ToArray()).AsTask();
        await entered.Task.WaitAsync(Patience);
        var draining = node.DrainAsync();
        var late = await Assert.ThrowsAsync<Net.Requests.RequestException>(() => caller.RequestAsync(node.PeerId, "slow").AsTask().WaitAsync(Patience));
        Assert.Equal(Protocols.Requests.RequestFailure.Cancelled, late.Failure);
        Assert.Contains("stopping", late.Message, StringComparison.Ordinal);
        Assert.False(draining.IsCompleted);

        leave.SetResult();
        await draining.WaitAsync(Patience);
        Assert.Equal("1"u8.ToArray(), (await call.WaitAsync(Patience)).ToArray());
    }

    private static async Task<(HealthStatus Live, HealthStatus Ready)> CheckAsync(HealthCheckService checks)
    {
        var report = await checks.CheckHealthAsync().WaitAsync(Patience);
        return (report.Entries["starling"].Status, report.Entries["starling-ready"].Status);
    }
}
