using System.Numerics;

namespace Starling.Protocols.Yamux;

/// <summary>The streams of a link that have payload to send, in lanes by <see cref="StreamPriority"/>, in turn within a lane.</summary>
/// <remarks>
/// <para>The highest lane goes first. Whenever it sends, each lower lane that also waits earns a sixteenth of the bytes, and
/// may send one frame as soon as it has earned a whole shared one: nothing starves, and what it costs the higher lanes is
/// known. A lane earns one frame at most, and nothing while it is empty.</para>
/// <para>The lists run through the streams themselves, so moving one costs neither memory nor a search; with one lane in use
/// there is nothing to weigh. Guarded by the link's lock like all of the core.</para>
/// </remarks>
internal sealed class SendLanes
{
    /// <summary>The part of a higher lane's bytes that a waiting lower lane earns.</summary>
    public const int Share = 16;

    private const int Count = (int)StreamPriority.Low + 1;
    private const int WholeFrame = YamuxCore.SharedFramePayload * Share;
    private readonly Lane[] _lanes = new Lane[Count];
    private int _waiting;

    /// <summary>Whether no stream waits.</summary>
    public bool IsEmpty => _waiting == 0;

    /// <summary>Puts a stream at the end of its lane.</summary>
    public void Add(YamuxStreamState stream)
    {
        ref var lane = ref _lanes[(int)stream.Priority];
        stream.InReady = true;
        stream.ReadyBefore = lane.Last;
        if (lane.Last is { } last) last.ReadyAfter = stream;
        else lane.First = stream;
        lane.Last = stream;
        _waiting |= 1 << (int)stream.Priority;
    }

    /// <summary>Takes a stream out, wherever it stands in its lane.</summary>
    public void Remove(YamuxStreamState stream)
    {
        ref var lane = ref _lanes[(int)stream.Priority];
        if (stream.ReadyBefore is { } before) before.ReadyAfter = stream.ReadyAfter;
        else lane.First = stream.ReadyAfter;
        if (stream.ReadyAfter is { } after) after.ReadyBefore = stream.ReadyBefore;
        else lane.Last = stream.ReadyBefore;
        stream.ReadyBefore = stream.ReadyAfter = null;
        stream.InReady = false;
        if (lane.First is null) _waiting &= ~(1 << (int)stream.Priority);
    }

    /// <summary>Takes out the stream whose turn it is, or null.</summary>
    public YamuxStreamState? Next()
    {
        if (_waiting == 0) return null;
        var lane = BitOperations.TrailingZeroCount(_waiting);
        if (_waiting != 1 << lane) lane = Due(lane);
        var stream = _lanes[lane].First!;
        Remove(stream);
        return stream;
    }

    /// <summary>A stream that <see cref="Next"/> gave sent so many bytes, and is back in its lane if it has more.</summary>
    public void Sent(StreamPriority priority, int bytes)
    {
        var lane = (int)priority;
        _lanes[lane].Earned = Math.Max(0, _lanes[lane].Earned - (bytes * Share));
        for (var lower = _waiting & (-2 << lane); lower != 0; lower &= lower - 1)
        {
            ref var waiting = ref _lanes[BitOperations.TrailingZeroCount(lower)];
            waiting.Earned = Math.Min(waiting.Earned + bytes, WholeFrame);
        }
    }

    /// <summary>The lowest lane that has earned a frame, or the highest that waits.</summary>
    private int Due(int highest)
    {
        for (var lane = Count - 1; lane > highest; lane--)
        {
            if ((_waiting & (1 << lane)) != 0 && _lanes[lane].Earned == WholeFrame) return lane;
        }

        return highest;
    }

    private struct Lane
    {
        public YamuxStreamState? First;
        public YamuxStreamState? Last;

        /// <summary>Bytes that higher lanes sent while this one waited.</summary>
        public int Earned;
    }
}
