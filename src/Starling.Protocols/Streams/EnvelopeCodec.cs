using System.Buffers;

namespace Starling.Protocols.Streams;

/// <summary>The envelope that a stream topic's gossip messages carry: version, epoch, first counter, count, first time, then for each message the microseconds since the one before, its length and its payload.</summary>
/// <remarks>Numbers are unsigned varints in their shortest form. Nothing is allocated; an envelope that <see cref="TryRead"/> takes can be walked with an <see cref="EnvelopeCursor"/> unchecked.</remarks>
public static class EnvelopeCodec
{
    /// <summary>The version that is written, and the only one read.</summary>
    public const byte Version = 1;

    /// <summary>Most messages in one envelope.</summary>
    public const int MaxCount = 16_384;

    /// <summary>The longest that everything before the first message can be.</summary>
    public const int MaxHeader = 1 + (4 * Varint.MaxLength);

    /// <summary>The longest that everything before a payload can be: its time and its length.</summary>
    public const int MaxEntryHeader = 2 * Varint.MaxLength;

    /// <summary>The latest time: the end of the year 9999.</summary>
    public const long MaxTime = 253_402_300_799_999_999;

    /// <summary>Reads and checks a whole envelope.</summary>
    /// <param name="envelope">The bytes, all of them.</param>
    /// <param name="header">What it says of itself; meaningful only when it is one.</param>
    public static EnvelopeRefusal TryRead(ReadOnlySpan<byte> envelope, out EnvelopeHeader header)
    {
        header = default;
        if (envelope.IsEmpty) return EnvelopeRefusal.Malformed;
        if (envelope[0] != Version) return EnvelopeRefusal.Version;
        var at = 1;
        if (!TryNumber(envelope, ref at, out var epoch)
            || !TryNumber(envelope, ref at, out var first)
            || !TryNumber(envelope, ref at, out var count)
            || !TryNumber(envelope, ref at, out var time))
        {
            return EnvelopeRefusal.Malformed;
        }

        // Every message takes at least two bytes.
        if (count > MaxCount || count > (ulong)(envelope.Length - at) / 2) return EnvelopeRefusal.Count;
        if (first > Varint.MaxValue - count) return EnvelopeRefusal.Counter;
        if (time > MaxTime || epoch > MaxTime) return EnvelopeRefusal.Time;
        header = new EnvelopeHeader(epoch, first, (int)count, (long)time, at);
        for (var i = 0; i < header.Count; i++)
        {
            if (!TryNumber(envelope, ref at, out var delta) || !TryNumber(envelope, ref at, out var length)) return EnvelopeRefusal.Malformed;
            if (delta > MaxTime - time) return EnvelopeRefusal.Time;
            time += delta;
            if (length > (ulong)(envelope.Length - at)) return EnvelopeRefusal.Malformed;
            at += (int)length;
        }

        return at == envelope.Length ? EnvelopeRefusal.None : EnvelopeRefusal.Trailing;
    }

    /// <summary>Writes what comes before the messages so that it ends at the end of the span, and returns its length.</summary>
    internal static int WriteHeaderBefore(Span<byte> room, in EnvelopeHeader header)
    {
        Span<byte> scratch = stackalloc byte[MaxHeader];
        scratch[0] = Version;
        var at = 1;
        at += Varint.Write(scratch[at..], header.Epoch);
        at += Varint.Write(scratch[at..], header.First);
        at += Varint.Write(scratch[at..], (ulong)header.Count);
        at += Varint.Write(scratch[at..], (ulong)header.FirstTime);
        scratch[..at].CopyTo(room[^at..]);
        return at;
    }

    /// <summary>Writes a message and returns its size.</summary>
    internal static int WriteEntry(Span<byte> to, long delta, ReadOnlySpan<byte> payload)
    {
        var at = WriteNumber(to, (ulong)delta);
        at += WriteNumber(to[at..], (ulong)payload.Length);
        payload.CopyTo(to[at..]);
        return at + payload.Length;
    }

    internal static bool TryNumber(ReadOnlySpan<byte> from, ref int at, out ulong value)
    {
        if ((uint)at < (uint)from.Length && from[at] < 0x80)
        {
            value = from[at++];
            return true;
        }

        if (Varint.TryRead(from[at..], out value, out var consumed) != OperationStatus.Done) return false;
        at += consumed;
        return true;
    }

    private static int WriteNumber(Span<byte> to, ulong value)
    {
        if (value >= 0x80) return Varint.Write(to, value);
        to[0] = (byte)value;
        return 1;
    }
}

/// <summary>Walks the messages of an envelope that <see cref="EnvelopeCodec.TryRead"/> has taken. A value: a copy walks on by itself.</summary>
public struct EnvelopeCursor
{
    private int _at;
    private ulong _counter;
    private long _time;

    /// <summary>Stands before the first message.</summary>
    public EnvelopeCursor(in EnvelopeHeader header)
    {
        _at = header.BodyStart;
        _counter = header.First;
        _time = header.FirstTime;
        Left = header.Count;
    }

    /// <summary>Where the next message begins.</summary>
    public readonly int Position => _at;

    /// <summary>Messages not yet walked.</summary>
    public int Left { get; private set; }

    /// <summary>Steps to the next message; false behind the last one.</summary>
    public bool TryNext(ReadOnlySpan<byte> envelope, out EnvelopeEntry entry)
    {
        entry = default;
        if (Left == 0 || !EnvelopeCodec.TryNumber(envelope, ref _at, out var delta) || !EnvelopeCodec.TryNumber(envelope, ref _at, out var length)) return false;
        _time += (long)delta;
        entry = new EnvelopeEntry(_at, (int)length, _counter, _time);
        _at += (int)length;
        _counter++;
        Left--;
        return true;
    }

    /// <summary>Steps over so many messages.</summary>
    public void Skip(ReadOnlySpan<byte> envelope, long count)
    {
        while (count-- > 0 && TryNext(envelope, out _)) continue;
    }

    /// <summary>Ends the walk after so many further messages.</summary>
    public void Truncate(int left) => Left = Math.Min(Left, Math.Max(0, left));
}
