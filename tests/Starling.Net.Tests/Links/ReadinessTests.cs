using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

public class ReadinessTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_node_waits_until_all_its_neighbours_are_ready()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await using var c = await TestNode.StartAsync();
        var waiting = a.Swarm.WaitForReadyAsync();
        await a.ConnectAsync(b);
        await c.ConnectAsync(a);
        await a.Swarm.ReadyAsync(c.Id);

        await b.Swarm.MarkReadyAsync().WaitAsync(Patience);
        await a.Swarm.WaitForReadyAsync([b.Id]).WaitAsync(Patience);
        Assert.False(waiting.IsCompleted);

        await c.Swarm.MarkReadyAsync().WaitAsync(Patience);
        await waiting.WaitAsync(Patience);
        Assert.False((await b.Swarm.ReadyAsync(a.Id)).IsPeerReady);
    }

    [Fact]
    public async Task Readiness_is_told_on_later_links_taken_back_and_forgotten_with_the_link()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await b.Swarm.MarkReadyAsync();
        for (var round = 0; round < 10; round++)
        {
            await a.ConnectAsync(b);
            await a.Swarm.WaitForReadyAsync([b.Id]).WaitAsync(Patience);
            await a.Swarm.DisconnectAsync(b.Id).WaitAsync(Patience);
            var error = await Assert.ThrowsAsync<TimeoutException>(() => a.Swarm.WaitForReadyAsync([b.Id], TimeSpan.FromMilliseconds(1)));
            Assert.Contains(b.Id.ToString(), error.Message, StringComparison.Ordinal);
        }

        await a.ConnectAsync(b);
        await a.Swarm.WaitForReadyAsync([b.Id]).WaitAsync(Patience);
        var seen = new Watch(a.Swarm);
        Assert.True(await seen.First.Task.WaitAsync(Patience));
        await b.Swarm.MarkReadyAsync(false).WaitAsync(Patience);
        Assert.False(await seen.Second.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_peer_that_cannot_say_it_is_marked_by_hand()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        Assert.False(await a.Swarm.MarkPeerReadyAsync(b.Id));
        await a.ConnectAsync(b);
        Assert.True(await a.Swarm.MarkPeerReadyAsync(b.Id));
        await a.Swarm.WaitForReadyAsync().WaitAsync(Patience);
    }

    [Fact]
    public async Task A_node_without_neighbours_is_not_told_that_all_are_ready()
    {
        await using var a = await TestNode.StartAsync();
        var error = await Assert.ThrowsAsync<TimeoutException>(() => a.Swarm.WaitForReadyAsync(timeout: TimeSpan.FromMilliseconds(1)));
        Assert.Contains("no direct neighbour", error.Message, StringComparison.Ordinal);

        using var cancel = new CancellationTokenSource();
        var waiting = a.Swarm.WaitForReadyAsync(cancellationToken: cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Patience));
    }

    private sealed class Watch : ILinkObserver
    {
        public Watch(Swarm swarm) => swarm.Observe(this);

        public TaskCompletionSource<bool> First { get; } = new();

        public TaskCompletionSource<bool> Second { get; } = new();

        public void OnConnected(IPeerLink link)
        {
        }

        public void OnIdentified(IPeerLink link)
        {
        }

        public void OnReadinessChanged(IPeerLink link)
        {
            if (!First.TrySetResult(((PeerLink)link).IsPeerReady)) Second.TrySetResult(((PeerLink)link).IsPeerReady);
        }

        public void OnDisconnected(IPeerLink link, CloseInfo why)
        {
        }
    }
}
