using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.PubSub;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>The window of numbers per origin that tells copies of stream topics apart.</summary>
public sealed class SeenWindowTests
{
    private const string Stream = "/starling/stream/songs";

    [Fact]
    public void Within_the_window_a_number_is_new_exactly_once_in_any_order()
    {
        Prop.ForAll(Gen.Choose(0, 4000).ListOf().ToArbitrary(), numbers =>
        {
            var windows = new OriginWindows(TimeSpan.FromMinutes(2), 4096, 16);
            var known = new HashSet<int>();
            return numbers.All(number => windows.Add(new MessageId(Lone.Peer(1), 1_000_000 + (ulong)number), default) == SeenState.New == known.Add(number));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(ulong.MaxValue - 200)]
    public void Jumps_of_any_size_forget_what_falls_behind_and_nothing_else(ulong start)
    {
        var windows = new OriginWindows(TimeSpan.FromMinutes(2), 64, 16);
        Assert.Equal(SeenState.New, Add(0));
        Assert.Equal(SeenState.New, Add(63));
        Assert.Equal(SeenState.Seen, Add(0));
        Assert.Equal(SeenState.New, Add(64));
        Assert.Equal(SeenState.Stale, Add(0));
        Assert.Equal(SeenState.Seen, Add(63));
        Assert.Equal(SeenState.New, Add(1));
        Assert.Equal(SeenState.New, Add(200));
        Assert.Equal(SeenState.Stale, Add(136));
        Assert.Equal(SeenState.New, Add(137));

        SeenState Add(ulong number) => windows.Add(new MessageId(Lone.Peer(1), start + number), default);
    }

    [Fact]
    public void Origins_are_bounded_and_those_in_use_stay()
    {
        var windows = new OriginWindows(TimeSpan.FromMinutes(2), 64, 10);
        windows.Add(new MessageId(Lone.Peer(0), 5), default);
        for (var i = 1; i < 100; i++)
        {
            windows.Add(new MessageId(Lone.Peer(i), 1), default);
            Assert.Equal(SeenState.New, windows.Add(new MessageId(Lone.Peer(0), 5 + (ulong)i), default));
            Assert.Equal(i < 64 ? SeenState.Seen : SeenState.Stale, windows.Find(new MessageId(Lone.Peer(0), 5), default));
            Assert.True(windows.Count <= 10);
        }
    }

    [Fact]
    public void A_replayed_sequence_is_refused_as_long_as_its_origin_speaks_and_its_window_ends_with_its_silence()
    {
        var lone = new Lone(new PubSubOptions { SeenWindow = 64 });
        lone.Follow(Stream);
        lone.Link(0);
        var messages = Enumerable.Range(0, 200).Select(_ => lone.Message(topic: Stream)).ToList();
        foreach (var message in messages)
        {
            lone.Brings(0, message);
            Assert.Single(lone.To(PubSubEffectKind.Deliver));
            lone.Now += TimeSpan.FromSeconds(10);
        }

        foreach (var message in messages)
        {
            lone.Brings(0, message);
            Assert.Empty(lone.Effects);
        }

        Assert.Equal((64L, 136L), (lone.Core.Counters.Duplicates, lone.Refused(PubSubRefusal.Stale)));
        lone.Now += TimeSpan.FromMinutes(2);
        lone.Brings(0, messages[0]);
        Assert.Single(lone.To(PubSubEffectKind.Deliver));
    }

    [Fact]
    public void Stream_topics_take_nothing_of_the_room_for_ids()
    {
        var lone = new Lone();
        lone.Follow(Stream);
        lone.Link(0);
        for (var i = 0; i < 1000; i++) lone.Brings(0, lone.Message(topic: Stream));
        Assert.Equal(0, lone.Core.SeenCount);
    }
}
