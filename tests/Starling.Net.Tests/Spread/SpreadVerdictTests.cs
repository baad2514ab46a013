using System.Threading.Channels;
using Starling.Net.Spread;
using Starling.Protocols.Spread;

namespace Starling.Net.Tests.Spread;

/// <summary>Validators of a kind over real sockets: each has a say.</summary>
public sealed class SpreadVerdictTests
{
    private static readonly SpreadKind Gated = SpreadKind.Named("test/gated") with { Keep = true, NeedsVerdict = true, RejectContent = true, Undecided = SpreadUndecided.AcceptIfAny, ValidationTimeout = TimeSpan.FromMinutes(5) };

    [Fact]
    public async Task Each_of_several_validators_has_a_say_and_one_that_rejects_decides_alone()
    {
        await using var network = await SpreadNetwork.StartAsync(3, links: [0, 1, 1, 2]);
        var judges = new[] { new Judge(), new Judge(), new Judge() };
        using var registered = network[1].Spread.Register(Gated, new SpreadHandlers());
        foreach (var judge in judges) judge.Join(network[1].Spread);
        var arrived = Arrivals(network[2]);

        await network[0].Spread.PublishAsync(Gated, new byte[] { 1 });
        foreach (var judge in judges) Assert.Equal(1, await judge.NextAsync());
        foreach (var judge in judges) judge.Say(1, judge == judges[2] ? SpreadVerdict.Accept : SpreadVerdict.Ignore);
        Assert.Equal(1, await arrived.Reader.ReadAsync().Soon());

        await network[0].Spread.PublishAsync(Gated, new byte[] { 2 });
        foreach (var judge in judges) Assert.Equal(2, await judge.NextAsync());
        judges[0].Say(2, SpreadVerdict.Accept);
        judges[1].Say(2, SpreadVerdict.Reject);
        await judges[2].Stopped(2).Soon();

        // The same payload from elsewhere is refused unasked; what comes after it is asked about.
        await network[2].Spread.PublishAsync(Gated, new byte[] { 2 });
        await network[0].Spread.PublishAsync(Gated, new byte[] { 3 });
        foreach (var judge in judges) Assert.Equal(3, await judge.NextAsync());
        await network[2].Spread.PublishAsync(Gated, new byte[] { 4 });
        foreach (var judge in judges) Assert.Equal(4, await judge.NextAsync());
        Assert.Equal(1, network[1].Spread.Counters.Refused(SpreadRefusal.RejectedBefore));
        foreach (var judge in judges) judge.Say(3, SpreadVerdict.Accept);
        Assert.Equal(3, await arrived.Reader.ReadAsync().Soon());
        Assert.Equal(SpreadPublishStatus.Rejected, (await network[1].Spread.PublishAsync(Gated, new byte[] { 2 })).Status);
    }

    [Fact]
    public async Task A_validator_that_leaves_owes_nothing_any_more_and_without_validators_nothing_passes()
    {
        await using var network = await SpreadNetwork.StartAsync(3, links: [0, 1, 1, 2]);
        Assert.Throws<InvalidOperationException>(() => network[1].Spread.AddValidator(Gated, (_, _) => ValueTask.FromResult(SpreadVerdict.Accept)));
        using var registered = network[1].Spread.Register(Gated, new SpreadHandlers());
        var (stays, leaves) = (new Judge(), new Judge());
        stays.Join(network[1].Spread);
        leaves.Join(network[1].Spread);
        var arrived = Arrivals(network[2]);
        await network[0].Spread.PublishAsync(Gated, new byte[] { 1 });
        Assert.Equal((1, 1), (await stays.NextAsync(), await leaves.NextAsync()));
        stays.Say(1, SpreadVerdict.Accept);
        leaves.Leave();
        Assert.Equal(1, await arrived.Reader.ReadAsync().Soon());

        await network[0].Spread.PublishAsync(Gated, new byte[] { 2 });
        Assert.Equal(2, await stays.NextAsync());
        stays.Leave();
        await network[0].Spread.PublishAsync(Gated, new byte[] { 3 });
        await network[0].SayAsync(9);
        Assert.Equal(9, await network[2].NextByteAsync());
        Assert.Equal(2, network[2].Spread.Counters.Delivered);
        Assert.InRange(network[1].Spread.Counters.Ignored, 1, 2);
    }

    [Fact]
    public async Task When_the_time_is_over_one_acceptance_is_enough_where_the_kind_says_so()
    {
        var kind = Gated with { ValidationTimeout = TimeSpan.FromMilliseconds(300) };
        await using var network = await SpreadNetwork.StartAsync(3, links: [0, 1, 1, 2]);
        using var registered = network[1].Spread.Register(kind, new SpreadHandlers());
        var (quick, never) = (new Judge(), new Judge());
        quick.Join(network[1].Spread);
        never.Join(network[1].Spread);
        var arrived = Arrivals(network[2]);
        await network[0].Spread.PublishAsync(kind, new byte[] { 1 });
        await network[0].Spread.PublishAsync(kind, new byte[] { 2 });
        byte[] both = [1, 2];
        foreach (var judge in (Judge[])[quick, never]) Assert.Equal(both, new[] { await judge.NextAsync(), await judge.NextAsync() }.Order());
        quick.Say(2, SpreadVerdict.Accept);
        await never.Stopped(1).Soon();
        Assert.Equal(2, await arrived.Reader.ReadAsync().Soon());
        Assert.Equal(1, network[1].Spread.Counters.TimedOut);
    }

    [Fact]
    public async Task What_its_sender_rejects_later_is_offered_to_nobody()
    {
        var kind = SpreadNetwork.News with { Keep = true };
        await using var network = await SpreadNetwork.StartAsync(2, kind: kind);
        var wrong = await network[0].Spread.PublishAsync(kind, new byte[] { 1 });
        await network[0].Spread.PublishAsync(kind, new byte[] { 2 });
        Assert.True(await network[0].Spread.RejectAsync(wrong.Key).Soon());
        Assert.False(await network[0].Spread.RejectAsync(wrong.Key).Soon());
        await network.LinkAsync(0, 1);
        Assert.Equal(2, await network[1].NextByteAsync());
        Assert.Equal(1, network[1].Spread.Counters.Delivered);
    }

    private static Channel<byte> Arrivals(SpreadTestNode node)
    {
        var arrived = Channel.CreateBounded<byte>(100);
        node.Spread.Register(Gated with { NeedsVerdict = false }, new SpreadHandlers { OnItem = async (item, cancelled) => await arrived.Writer.WriteAsync(item.Payload.Span[0], cancelled) });
        return arrived;
    }

    /// <summary>A local client that is asked and says when the test wants.</summary>
    private sealed class Judge
    {
        private readonly Channel<byte> _asked = Channel.CreateBounded<byte>(100);
        private readonly Dictionary<byte, (TaskCompletionSource<SpreadVerdict> Verdict, TaskCompletionSource Stopped)> _open = [];
        private IDisposable? _validator;

        public void Join(SpreadService spread) => _validator = spread.AddValidator(Gated, JudgeAsync);

        public void Leave() => _validator!.Dispose();

        public Task<byte> NextAsync() => _asked.Reader.ReadAsync().Soon();

        public void Say(byte what, SpreadVerdict verdict) => Open(what).Verdict.SetResult(verdict);

        public Task Stopped(byte what) => Open(what).Stopped.Task;

        private async ValueTask<SpreadVerdict> JudgeAsync(SpreadDelivery item, CancellationToken cancellationToken)
        {
            var what = item.Payload.Span[0];
            var (verdict, stopped) = Open(what);
            await _asked.Writer.WriteAsync(what, cancellationToken);
            try
            {
                return await verdict.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                stopped.SetResult();
                throw;
            }
        }

        private (TaskCompletionSource<SpreadVerdict> Verdict, TaskCompletionSource Stopped) Open(byte what)
        {
            lock (_open)
            {
                if (!_open.TryGetValue(what, out var open)) _open.Add(what, open = (new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously)));
                return open;
            }
        }
    }
}
