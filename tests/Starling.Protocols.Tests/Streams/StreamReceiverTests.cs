using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.PubSub;
using Starling.Protocols.Streams;
using static Starling.Protocols.Tests.Streams.Bundles;

namespace Starling.Protocols.Tests.Streams;

public sealed class StreamReceiverTests
{
    private readonly StreamOptions _options = new();
    private readonly StreamCounters _counters = new();
    private readonly List<StreamEffect> _effects = [];
    private readonly StreamReceiver _receiver;
    private Instant _now = new(TimeSpan.TicksPerHour);

    public StreamReceiverTests() => _receiver = new StreamReceiver(_options, _counters, _now);

    [Fact]
    public void Bundles_in_any_order_and_any_number_of_copies_are_delivered_once_and_in_order() =>
        Prop.ForAll<byte[], int>((sizes, seed) =>
        {
            var random = RandomSource.Seeded((ulong)seed);
            var receiver = new StreamReceiver(_options, new StreamCounters(), default);
            var bundles = new List<StreamBundle> { Of(Ann, 5, 0, 1) };
            foreach (var size in sizes.Take(12)) bundles.Add(Of(Ann, 5, bundles[^1].Header.End, 1 + (size % 5)));
            StreamBundle[] arriving = [.. bundles, .. bundles];
            random.Shuffle(arriving.AsSpan());
            var effects = new List<StreamEffect>();
            receiver.Receive(bundles[0], default, effects);
            foreach (var bundle in arriving) receiver.Receive(bundle, default, effects);

            Assert.Equal(Enumerable.Range(0, (int)bundles[^1].Header.End).Select(counter => (ulong)counter), Delivered(effects));
            Assert.Equal(Instant.Never, receiver.NextTick);
            Assert.Equal(0, receiver.HeldBytes);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Losses_that_an_origin_makes_up_count_as_many_as_can_be_counted_and_never_below_zero()
    {
        for (var epoch = 1ul; epoch < 6; epoch++)
        {
            var far = new byte[9];
            Varint.Write(far, Varint.MaxValue - 10);
            byte[] envelope = [EnvelopeCodec.Version, (byte)epoch, .. far, 1, 1, 0, 0];
            var message = new PubSubMessage(new MessageId(Ann, epoch), Wire, envelope, envelope);
            Assert.Equal(EnvelopeRefusal.None, StreamBundle.TryRead(message, Ann, default, _now, isReplayed: false, out var bundle));
            Take(Of(Ann, epoch, 0, 1), bundle!);
            _now += _options.ReorderTimeout * 2;
            _receiver.Tick(_now, _effects);
        }

        Assert.Equal(long.MaxValue, _counters.Missed);
    }

    [Fact]
    public void A_gap_is_asked_for_after_a_moment_and_closed_by_what_is_recovered()
    {
        Take(Of(Ann, 5, 0, 2), Of(Ann, 5, 4, 2));
        Assert.Equal([0, 1], Drain());
        Tick(_options.RecoveryDelay);
        var ask = Assert.Single(_effects);
        Assert.Equal((StreamEffectKind.Recover, Ann, 5UL, 2UL, 2UL), (ask.Kind, ask.Origin, ask.Epoch, ask.First, ask.Count));
        Assert.Equal(4UL, ask.Bundle!.Header.First);
        Take(Of(Ann, 5, 2, 2, isReplayed: true));
        Assert.Equal([2, 3, 4, 5], Drain());
        Assert.Equal((2, 0), (_counters.Recovered, _counters.Missed));
        Assert.Equal(Instant.Never, _receiver.NextTick);
    }

    [Fact]
    public void A_gap_that_stays_is_told_as_missed_and_delivery_goes_on()
    {
        Take(Of(Ann, 5, 0, 1), Of(Ann, 5, 3, 1), Of(Ann, 5, 6, 2));
        Drain();
        Tick(_options.RecoveryDelay);
        _receiver.RecoveryEnded(Ann, 5, _now, _effects);
        Tick(_options.ReorderTimeout);
        Assert.Contains(_effects, effect => effect is { Kind: StreamEffectKind.Missed, First: 1, Count: 2 });
        Assert.Equal(2UL, _effects.Single(effect => effect.Kind == StreamEffectKind.Deliver).Missed);
        Assert.Equal([3], Drain());
        Tick(_options.ReorderTimeout);
        Assert.Equal([6, 7], Drain());
        Assert.Equal((4, 4), (_counters.Missed, _counters.Delivered));
    }

    [Fact]
    public void A_fruitless_round_is_followed_by_another_later_and_a_fruitful_one_at_once()
    {
        Take(Of(Ann, 5, 0, 1), Of(Ann, 5, 9, 1));
        Tick(_options.RecoveryDelay);
        _receiver.RecoveryEnded(Ann, 5, _now, _effects);
        Assert.Equal(_now + (2 * _options.RecoveryDelay), _receiver.NextTick);
        Tick(2 * _options.RecoveryDelay);
        Take(Of(Ann, 5, 1, 3, isReplayed: true));
        _effects.Clear();
        _receiver.RecoveryEnded(Ann, 5, _now, _effects);
        Tick(TimeSpan.Zero);
        Assert.Equal((4UL, 5UL), (Assert.Single(_effects).First, _effects[0].Count));
    }

    [Fact]
    public void The_loss_of_the_last_messages_is_seen_by_the_mark_that_follows()
    {
        Take(Of(Ann, 5, 0, 1), Of(Ann, 5, 3, 0));
        Drain();
        Tick(_options.RecoveryDelay);
        Assert.Equal((1UL, 2UL), (_effects.Single().First, _effects[0].Count));
        Tick(_options.ReorderTimeout);
        Assert.Equal(2, _counters.Missed);
    }

    [Fact]
    public void A_running_origin_is_followed_from_where_it_is_met_once_a_neighbour_has_nothing_earlier()
    {
        Take(Of(Ann, 5, 10, 2));
        var ask = Assert.Single(_effects);
        Assert.Equal((0UL, 10UL, new Instant(TimeSpan.TicksPerHour)), (ask.First, ask.Count, ask.Heard));
        Assert.Empty(Drain());
        _receiver.RecoveryEnded(Ann, 5, _now, _effects);
        Assert.Equal([10, 11], Drain());
        Assert.Equal(0, _counters.Missed);
    }

    [Fact]
    public void What_a_neighbour_took_in_since_the_subscription_comes_before_the_first_that_was_met()
    {
        Take(Of(Ann, 5, 10, 2), Of(Ann, 5, 7, 3, isReplayed: true));
        _receiver.RecoveryEnded(Ann, 5, _now, _effects);
        Assert.Equal([7, 8, 9, 10, 11], Drain());
        Assert.Equal(0, _counters.Missed);
    }

    [Fact]
    public void A_mark_alone_says_where_an_origin_stands()
    {
        Take(Of(Ann, 5, 10, 0));
        Assert.Empty(_effects);
        Take(Of(Ann, 5, 10, 1));
        Assert.Equal([10], Drain());
    }

    [Fact]
    public void A_higher_epoch_begins_anew_and_a_lower_one_is_stale()
    {
        Take(Of(Ann, 5, 0, 2), Of(Ann, 5, 4, 1), Of(Ann, 6, 0, 2), Of(Ann, 5, 2, 2));
        Assert.Equal([0, 1, 4, 0, 1], Drain());
        Assert.Equal((2, 1), (_counters.Missed, _counters.Stale));
    }

    [Fact]
    public void An_origin_that_brings_a_lower_epoch_itself_is_told_of_once_and_a_replay_of_it_is_not()
    {
        Take(Of(Ann, 5, 0, 1), Of(Ann, 4, 0, 1, isReplayed: true));
        Assert.DoesNotContain(_effects, effect => effect.Kind == StreamEffectKind.Stale);
        Take(Of(Ann, 4, 0, 1), Of(Ann, 4, 1, 1), Of(Ann, 3, 0, 1));
        Assert.Equal((Ann, 4UL), _effects.Where(effect => effect.Kind == StreamEffectKind.Stale).Select(effect => (effect.Origin, effect.Epoch)).Single());
        Assert.Equal([0], Drain());
        Assert.Equal(4, _counters.Stale);
    }

    [Fact]
    public void A_restart_whose_first_messages_are_lost_is_a_gap()
    {
        Take(Of(Ann, 5, 0, 1), Of(Ann, 6, 2, 1));
        Drain();
        Tick(_options.RecoveryDelay);
        Assert.Equal((6UL, 0UL, 2UL), (_effects.Single().Epoch, _effects[0].First, _effects[0].Count));
    }

    [Fact]
    public void Bundles_that_overlap_deliver_each_message_once()
    {
        Take(Of(Ann, 5, 0, 3), Of(Ann, 5, 1, 4), Of(Ann, 5, 2, 2));
        Assert.Equal([0, 1, 2, 3, 4], Drain());
        Assert.Equal(1, _counters.Duplicates);
    }

    [Fact]
    public void What_finds_no_room_behind_a_gap_is_asked_for_afterwards()
    {
        _options.MaxHeldBytes = Of(Ann, 5, 2, 1).Size;
        Take(Of(Ann, 5, 0, 1), Of(Ann, 5, 2, 1), Of(Ann, 5, 3, 1));
        Assert.Equal(1, _counters.HeldFull);
        Assert.Equal(_options.MaxHeldBytes, _receiver.HeldBytes);
        Drain();
        Take(Of(Ann, 5, 1, 1, isReplayed: true));
        Assert.Equal([1, 2], Drain());
        Tick(_options.RecoveryDelay);
        Assert.Equal((3UL, 1UL), (_effects.Single().First, _effects[0].Count));
    }

    [Fact]
    public void Origins_are_bounded_and_the_one_that_makes_room_leaves_nothing_held_behind()
    {
        _options.MaxOrigins = 1;
        Take(Of(Ann, 5, 0, 1), Of(Ann, 5, 2, 1), Of(Bob, 5, 0, 1));
        Assert.Equal([0, 2, 0], Drain());
        Assert.Equal((1, 1L, 1L, 0L), (_receiver.OriginCount, _counters.OriginsEvicted, _counters.Missed, _receiver.HeldBytes));
    }

    [Fact]
    public void Joining_late_brings_the_past_first_then_the_present_without_hole_or_copy()
    {
        var receiver = new StreamReceiver(_options, _counters, _now, joining: true);
        receiver.Receive(Of(Ann, 5, 8, 2), _now, _effects);
        receiver.Receive(Of(Bob, 3, 4, 1), _now, _effects);
        Assert.Empty(_effects);
        StreamBundle[] past = [Of(Ann, 5, 6, 2, time: 30), Of(Bob, 3, 2, 2, time: 20), Of(Ann, 5, 2, 4, time: 10), Of(Ann, 5, 6, 3, time: 30), Of(Ann, 4, 7, 1, time: 5)];
        receiver.EndJoin(past, null, _now, _effects);
        Assert.Equal([(Ann, 7), (Ann, 2), (Ann, 3), (Ann, 4), (Ann, 5), (Bob, 2), (Bob, 3), (Ann, 6), (Ann, 7), (Ann, 8), (Ann, 9), (Bob, 4)], Whose());
        Assert.Equal((0, Instant.Never), (_counters.Missed, receiver.NextTick));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(100, 6)]
    public void Of_the_past_only_the_last_so_many_are_delivered(int last, int expected)
    {
        var receiver = new StreamReceiver(_options, _counters, _now, joining: true);
        receiver.EndJoin([Of(Ann, 5, 4, 2), Of(Ann, 5, 0, 4)], last, _now, _effects);
        receiver.Receive(Of(Ann, 5, 6, 1), _now, _effects);
        Assert.Equal(Enumerable.Range(6 - expected, expected + 1), Drain());
        Assert.Equal(0, _counters.Missed);
    }

    [Fact]
    public void A_hole_between_the_past_and_the_present_is_asked_for()
    {
        var receiver = new StreamReceiver(_options, _counters, _now, joining: true);
        receiver.Receive(Of(Ann, 5, 9, 1), _now, _effects);
        receiver.EndJoin([Of(Ann, 5, 0, 4)], 2, _now, _effects);
        Assert.Equal([2, 3], Drain());
        receiver.Tick(_now + _options.RecoveryDelay, _effects);
        Assert.Equal((4UL, 5UL), (_effects.Single().First, _effects[0].Count));
    }

    private void Take(params StreamBundle[] bundles)
    {
        foreach (var bundle in bundles) _receiver.Receive(bundle, _now, _effects);
    }

    private void Tick(TimeSpan later)
    {
        _now += later;
        _receiver.Tick(_now, _effects);
    }

    private List<int> Drain()
    {
        var numbers = Delivered(_effects).Select(number => (int)number).ToList();
        _effects.Clear();
        return numbers;
    }

    private static List<ulong> Delivered(List<StreamEffect> effects) => [.. effects.Where(effect => effect.Kind == StreamEffectKind.Deliver).SelectMany(Counters)];

    private List<(PeerId, int)> Whose() => [.. _effects.Where(effect => effect.Kind == StreamEffectKind.Deliver).SelectMany(effect => Counters(effect).Select(counter => (effect.Origin, (int)counter)))];

    private static IEnumerable<ulong> Counters(StreamEffect effect)
    {
        Assert.InRange(effect.First, effect.Bundle!.Header.First, effect.Bundle.Header.End);
        Assert.Equal(effect.Bundle.Header.End, effect.First + effect.Count);
        for (var i = 0UL; i < effect.Count; i++) yield return effect.First + i;
    }
}
