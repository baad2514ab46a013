using Starling.Protocols.Yamux;

namespace Starling.Protocols.Tests.Yamux;

public sealed class YamuxLaneTests
{
    private static readonly StreamPriority[] Lanes = Enum.GetValues<StreamPriority>();

    private readonly CoreEnd _end = new(true);
    private readonly CoreEnd _other = new(false);

    [Fact]
    public void Higher_lanes_go_first_whatever_was_offered_first()
    {
        var streams = Lanes.Reverse().Select(Open).ToList();
        streams.ForEach(stream => _end.Core.Offer(stream, 100));
        Assert.Equal(Lanes, Enumerable.Range(0, 4).Select(_ => Next().Priority));
    }

    [Fact]
    public void A_new_stream_is_in_the_middle_lane() => Assert.Equal(StreamPriority.Medium, _end.Open().Priority);

    [Theory]
    [InlineData(StreamPriority.Control)]
    [InlineData(StreamPriority.High)]
    [InlineData(StreamPriority.Medium)]
    public void Lower_lanes_keep_a_sixteenth_of_what_is_sent_above_them_and_no_more(StreamPriority top)
    {
        var streams = Lanes.Where(lane => lane >= top).Select(Open).ToList();
        Saturate(streams, frames: 1200);
        for (var lower = 1; lower < streams.Count; lower++)
        {
            var above = streams.Take(lower).Sum(_end.Sent);
            var part = (double)_end.Sent(streams[lower]) / above;
            Assert.InRange(part, 0.95 / SendLanesShare, 1.05 / SendLanesShare);
        }
    }

    [Fact]
    public void A_lane_alone_uses_everything_and_bulk_alone_whole_frames()
    {
        var bulk = Open(StreamPriority.Low);
        _end.Core.Offer(bulk, 1 << 20);
        Next();
        Assert.Equal(YamuxCore.FramePayload, _end.Sent(bulk));
    }

    [Fact]
    public void Streams_of_a_lane_send_in_turn()
    {
        var streams = Enumerable.Range(0, 5).Select(_ => Open(StreamPriority.Low)).ToList();
        Saturate(streams, frames: 1000);
        var sent = streams.Select(_end.Sent).ToList();
        Assert.True(sent.Max() - sent.Min() <= YamuxCore.SharedFramePayload, string.Join(", ", sent));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_control_message_waits_for_one_frame_of_each_lower_lane_at_most_under_any_load(int seed)
    {
        var random = RandomSource.Seeded((ulong)seed);
        var bulk = Enumerable.Range(0, 6).Select(_ => Open((StreamPriority)(1 + random.Next(3)))).ToList();
        var control = Open(StreamPriority.Control);
        for (var message = 1; message <= 100; message++)
        {
            Saturate(bulk, frames: random.Next(40));
            var before = _end.Sent(control);
            _end.Core.Offer(control, 32);
            var frames = 0;
            for (; _end.Sent(control) == before; frames++) Next();
            Assert.True(frames <= 4, $"{frames} frames (seed {seed}, message {message})");
            Pass();
        }
    }

    [Fact]
    public void A_stream_that_changes_lane_is_moved_at_once_and_has_one_place()
    {
        var (first, second) = (Open(StreamPriority.Low), Open(StreamPriority.Medium));
        _end.Core.Offer(first, 10);
        _end.Core.Offer(second, 10);
        for (var i = 0; i < 10_000; i++) _end.Core.SetPriority(first, Lanes[i % 4]);
        _end.Core.SetPriority(first, StreamPriority.Control);
        Assert.Same(first, Next());
        Assert.Same(second, Next());
        Assert.False(_end.Core.HasData);
        Assert.Throws<ArgumentOutOfRangeException>(() => _end.Core.SetPriority(first, (StreamPriority)4));
    }

    [Fact]
    public void What_is_withdrawn_or_reset_leaves_no_gap_in_its_lane()
    {
        var streams = Enumerable.Range(0, 5).Select(_ => Open(StreamPriority.High)).ToList();
        streams.ForEach(stream => _end.Core.Offer(stream, 10));
        _end.Core.Offer(streams[0], 0);
        _end.Core.Reset(streams[2]);
        _end.Core.Offer(streams[4], 0);
        Assert.Same(streams[1], Next());
        Assert.Same(streams[3], Next());
        Assert.False(_end.Core.HasData);
    }

    private const double SendLanesShare = 16;

    private YamuxStreamState Open(StreamPriority priority)
    {
        var stream = _end.Open();
        _end.Core.SetPriority(stream, priority);
        return stream;
    }

    /// <summary>Sends one frame of payload and returns whose it was.</summary>
    private YamuxStreamState Next()
    {
        while (true)
        {
            var before = _end.Streams.ToDictionary(stream => stream, _end.Sent);
            Assert.Equal(1, _end.Send(1));
            if (before.Keys.FirstOrDefault(stream => _end.Sent(stream) > before[stream]) is { } sender) return sender;
        }
    }

    private void Saturate(IReadOnlyList<YamuxStreamState> streams, int frames)
    {
        for (var frame = 0; frame < frames; frame++)
        {
            foreach (var stream in streams)
                if (stream.Queued < 1 << 20) _end.Core.Offer(stream, 4 << 20);
            _end.Send(1);
            if (frame % 4 == 3) Pass();
        }

        Pass();
    }

    /// <summary>Brings everything across, where it is read at once.</summary>
    private void Pass()
    {
        _end.Deliver(_other, int.MaxValue);
        foreach (var stream in _other.Streams.ToList()) _other.Consume(stream, _other.Unread(stream));
        _other.Send();
        _other.Deliver(_end, int.MaxValue);
    }
}
