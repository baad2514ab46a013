using Starling.Net.Tests.PubSub;

namespace Starling.Net.Tests;

/// <summary>The one long-lived stream to a neighbour, whose link and whose service may end in any order.</summary>
public sealed class OutboundStreamTests
{
    [Fact]
    public void Stopping_what_was_disposed_already_drops_what_waits_and_throws_nothing()
    {
        var stream = new ShortStream();
        stream.Dispose();
        stream.Stop();
        Assert.Equal(1, stream.Drops);
        stream.Restart();
    }

    [Fact]
    public async Task Ending_the_present_stream_while_it_ends_by_itself_throws_nothing()
    {
        await using var near = new FakeHost();
        await using var far = new FakeHost();
        using var handling = far.Handle("/test", static async (stream, cancelled) => await stream.ReadAsync(new byte[1], cancelled));
        FakeHost.Link(near, far);
        var stream = new ShortStream();
        stream.Start(near.Find(far.LocalPeer)!);
        while (stream.Opened < 3000 && !stream.Writing.IsCompleted) stream.Restart();
        stream.Stop();
        await stream.Writing.WaitAsync(TopicNetwork.Patience);
        stream.Dispose();
        Assert.Null(stream.Fault);
        Assert.True(stream.Opened >= 3000);
    }

    [Fact]
    public async Task A_service_that_is_disposed_while_its_links_end_throws_nothing()
    {
        for (var round = 0; round < 100; round++)
        {
            await using var near = new FakeHost();
            FakeHost[] others = [.. Enumerable.Range(0, 4).Select(_ => new FakeHost())];
            var topics = near.Start();
            foreach (var other in others)
            {
                _ = other.Handle("/meshsub/1.2.0", static async (stream, cancelled) => await stream.ReadAsync(new byte[1], cancelled));
                FakeHost.Link(near, other);
            }

            using var together = new Barrier(2);
            var ending = Task.Run(() =>
            {
                together.SignalAndWait();
                foreach (var other in others) FakeHost.Unlink(near, other);
            });
            together.SignalAndWait();
            await topics.DisposeAsync().Soon();
            await ending.Soon();
            foreach (var other in others) await other.DisposeAsync();
        }
    }

    /// <summary>A stream that ends as soon as it is opened.</summary>
    private sealed class ShortStream() : OutboundStream(
        new OutboundStreamOptions(["/test"], TimeSpan.FromSeconds(5), TimeSpan.FromTicks(1), TimeSpan.FromTicks(64)), TimeProvider.System, RandomSource.Seeded(1))
    {
        private int _opened;

        public int Drops { get; private set; }

        public int Opened => Volatile.Read(ref _opened);

        public Exception? Fault { get; private set; }

        protected override bool IsBetweenFrames => false;

        protected override long Frames => Opened;

        protected override Task WriteAsync(IStream stream, CancellationToken ended)
        {
            Interlocked.Increment(ref _opened);
            throw new IOException("It ended.");
        }

        protected override ValueTask UnsupportedAsync() => ValueTask.CompletedTask;

        protected override void Drop() => Drops++;

        protected override void Lost(string why)
        {
        }

        protected override void Stopped()
        {
        }

        protected override void Failed(Exception error) => Fault = error;
    }
}
