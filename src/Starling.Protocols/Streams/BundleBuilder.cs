using System.Buffers;

namespace Starling.Protocols.Streams;

/// <summary>Gathers an origin's messages of one topic into envelopes. Holds a pooled buffer only while messages wait. One thread at a time.</summary>
/// <remarks>What piles up while earlier bundles are on their way becomes the next one: an idle topic pays no delay, a busy one a header and a signature per <see cref="TargetSize"/>.</remarks>
public sealed class BundleBuilder
{
    /// <summary>A bundle of this size is full, in bytes: 64 KiB. A larger message makes a bundle of its own.</summary>
    public const int TargetSize = 64 << 10;

    /// <summary>Full bundles that may be on their way at once.</summary>
    public const int MaxOutstanding = 4;

    private readonly ulong _epoch;
    private byte[]? _buffer;
    private int _length;
    private long _firstTime;
    private long _lastTime;

    /// <summary>Creates the builder.</summary>
    /// <param name="epoch">When the origin began to publish the topic, in microseconds since 1970.</param>
    public BundleBuilder(ulong epoch)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(epoch, (ulong)EnvelopeCodec.MaxTime);
        _epoch = epoch;
    }

    /// <summary>The counter that the next message gets.</summary>
    public ulong Next { get; private set; }

    /// <summary>Messages that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes that the bundle has now, the longest header included.</summary>
    public int Size => _length == 0 ? EnvelopeCodec.MaxHeader : _length;

    /// <summary>Whether nothing more should be put in.</summary>
    public bool IsFull => _length >= TargetSize || Count == EnvelopeCodec.MaxCount;

    /// <summary>The most bytes that an envelope with one such message takes.</summary>
    public static long SizeOf(long payload) => EnvelopeCodec.MaxHeader + EnvelopeCodec.MaxEntryHeader + payload;

    /// <summary>Whether a message goes into the present bundle. An empty one takes any.</summary>
    public bool Fits(int payload) => Count == 0 || (!IsFull && _length + EnvelopeCodec.MaxEntryHeader + payload <= TargetSize);

    /// <summary>Whether the bundle is to be sealed now: at once when nothing is on its way, else when it is full and fewer than <see cref="MaxOutstanding"/> are.</summary>
    /// <param name="outstanding">Earlier bundles of the topic that some queue still holds.</param>
    /// <param name="isFull">Whether a further message found no room, or <see cref="IsFull"/>.</param>
    public bool IsDue(int outstanding, bool isFull) => Count > 0 && (outstanding == 0 || (isFull && outstanding < MaxOutstanding));

    /// <summary>Puts a message in.</summary>
    /// <param name="payload">Copied.</param>
    /// <param name="time">Microseconds since 1970; one earlier than the last message's counts as that one's.</param>
    /// <returns>The message's counter.</returns>
    /// <exception cref="InvalidOperationException">It does not fit.</exception>
    public ulong Add(ReadOnlySpan<byte> payload, long time)
    {
        if (!Fits(payload.Length)) throw new InvalidOperationException("The bundle is full; seal it first.");
        if (Count == 0)
        {
            _length = EnvelopeCodec.MaxHeader;
            _buffer = ArrayPool<byte>.Shared.Rent((int)Math.Max(TargetSize, SizeOf(payload.Length)));
            _firstTime = _lastTime = Math.Clamp(time, 0, EnvelopeCodec.MaxTime);
        }

        time = Math.Clamp(time, _lastTime, EnvelopeCodec.MaxTime);
        _length += EnvelopeCodec.WriteEntry(_buffer.AsSpan(_length), time - _lastTime, payload);
        _lastTime = time;
        Count++;
        return Next++;
    }

    /// <summary>Takes the bundle out; the next message begins another. Dispose what is returned once its bytes are no longer needed.</summary>
    /// <exception cref="InvalidOperationException">Nothing waits.</exception>
    public SealedBundle Seal()
    {
        if (_buffer is null) throw new InvalidOperationException("There is nothing to seal.");
        var header = new EnvelopeHeader(_epoch, Next - (ulong)Count, Count, _firstTime, EnvelopeCodec.MaxHeader);
        var taken = EnvelopeCodec.WriteHeaderBefore(_buffer.AsSpan(0, EnvelopeCodec.MaxHeader), header);
        var start = EnvelopeCodec.MaxHeader - taken;
        var bundle = new SealedBundle(_buffer, start, _length - start, header.Count);
        (_buffer, _length, Count) = (null, 0, 0);
        return bundle;
    }

    /// <summary>An envelope without messages, which says which counter comes next: whoever lost the last ones learns it.</summary>
    public byte[] Mark(long time)
    {
        Span<byte> room = stackalloc byte[EnvelopeCodec.MaxHeader];
        var length = EnvelopeCodec.WriteHeaderBefore(room, new EnvelopeHeader(_epoch, Next - (ulong)Count, 0, Math.Clamp(time, 0, EnvelopeCodec.MaxTime), 0));
        return room[^length..].ToArray();
    }
}

/// <summary>A finished envelope in a pooled buffer.</summary>
public readonly struct SealedBundle : IDisposable
{
    private readonly byte[] _buffer;
    private readonly int _start;
    private readonly int _length;

    internal SealedBundle(byte[] buffer, int start, int length, int count) => (_buffer, _start, _length, Count) = (buffer, start, length, count);

    /// <summary>The envelope; gone with <see cref="Dispose"/>.</summary>
    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(_start, _length);

    /// <summary>How many messages it holds.</summary>
    public int Count { get; }

    /// <summary>Gives the buffer back. Once.</summary>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);
}
