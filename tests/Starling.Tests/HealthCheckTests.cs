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

    private static async Task<(HealthStatus Live, HealthStatus Ready)> CheckAsync(HealthCheckService checks)
    {
        var report = await checks.CheckHealthAsync().WaitAsync(Patience);
        return (report.Entries["starling"].Status, report.Entries["starling-ready"].Status);
    }
}
