namespace Starling.Protocols.PubSub;

/// <summary>Walks the fields of one protobuf message in place: no copy, no allocation, every length checked against what is there.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> _message = message;

    public const int Varint = 0;
    public const int Fixed64 = 1;
    public const int Bytes = 2;
    public const int Fixed32 = 5;

    /// <summary>Where the next unread byte is.</summary>
    public int Position { get; private set; }

    public readonly bool AtEnd => Position == _message.Length;

    /// <summary>Reads a field's number and wire type.</summary>
    public bool TryReadTag(out int field, out int wireType)
    {
        field = wireType = 0;
        if (!TryReadVarint(out var tag) || tag > uint.MaxValue || tag >> 3 == 0) return false;
        field = (int)(tag >> 3);
        wireType = (int)(tag & 7);
        return true;
    }

    /// <summary>Reads a number of at most ten bytes.</summary>
    public bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (AtEnd) return false;
            var next = _message[Position++];
            if (shift == 63 && next > 1) return false;
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return true;
        }

        return false;
    }

    /// <summary>Steps over a length and the bytes that it announces, and says where those are.</summary>
    public bool TryReadBytes(out int start, out int length)
    {
        start = length = 0;
        if (!TryReadVarint(out var announced) || announced > (ulong)(_message.Length - Position)) return false;
        start = Position;
        length = (int)announced;
        Position += length;
        return true;
    }

    /// <summary>Steps over a value that nobody asked for. Groups, which nothing uses, are refused.</summary>
    public bool TrySkip(int wireType) => wireType switch
    {
        Varint => TryReadVarint(out _),
        Fixed64 => TryAdvance(8),
        Bytes => TryReadBytes(out _, out _),
        Fixed32 => TryAdvance(4),
        _ => false,
    };

    private bool TryAdvance(int count)
    {
        if (_message.Length - Position < count) return false;
        Position += count;
        return true;
    }
}
