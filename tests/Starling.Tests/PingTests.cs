namespace Starling.Tests;

public class PingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Every_neighbour_is_pinged_and_a_silent_one_is_removed_when_asked()
    {
        await using var hub = await StarlingNode.StartAsync();
        await using var answering = await StarlingNode.StartAsync();
        await using var mute = await MutePeer.StartAsync();
        await hub.ConnectAsync(answering.Addresses[0]).WaitAsync(Patience);
        await hub.ConnectAsync(mute.Address).WaitAsync(Patience);

        var first = await hub.PingAllAsync(timeout: TimeSpan.FromSeconds(1)).WaitAsync(Patience);
        Assert.True(first.Single(one => one.Peer.Equals(answering.PeerId)).RoundTrip > TimeSpan.Zero);
        var silent = first.Single(one => one.Peer.Equals(mute.PeerId));
        Assert.Null(silent.RoundTrip);
        Assert.Contains("none of 1 pings", silent.Error);
        Assert.Equal(2, hub.Links.Count);

        await using var events = hub.EventsAsync().GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience));
        await hub.PingAllAsync(timeout: TimeSpan.FromSeconds(1), removeSilent: true).WaitAsync(Patience);
        Assert.Equal(answering.PeerId, Assert.Single(hub.Links).Peer);
        while (true)
        {
            Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience));
            if (events.Current is not NodeEvent.Disconnected gone) continue;
            Assert.Equal((mute.PeerId, CloseReason.KeepAliveTimeout), (gone.Link.Peer, gone.Why.Reason));
            break;
        }
    }

    [Fact]
    public async Task A_ping_is_tried_again_until_an_answer_comes()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var mute = await MutePeer.StartAsync();
        await a.ConnectAsync(mute.Address).WaitAsync(Patience);
        mute.AnswerFrom = 3;
        var time = await a.PingAsync(mute.PeerId, retries: 5, TimeSpan.FromMilliseconds(300)).WaitAsync(Patience);
        Assert.True(time > TimeSpan.Zero);
        Assert.Equal(3, mute.Asked);
    }

    [Fact]
    public async Task A_ping_of_nobody_and_a_cancelled_one_say_so()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var mute = await MutePeer.StartAsync();
        await Assert.ThrowsAsync<StarlingException>(() => a.PingAsync(mute.PeerId, retries: 2));
        await a.ConnectAsync(mute.Address).WaitAsync(Patience);
        using var cancel = new CancellationTokenSource();
        var ping = a.PingAsync(mute.PeerId, retries: 2, cancellationToken: cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ping.WaitAsync(Patience));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => a.PingAsync(mute.PeerId, retries: -1));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => a.PingAsync(mute.PeerId, retries: 0, TimeSpan.Zero));
    }
}
