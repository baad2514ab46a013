namespace Starling.Protocols.Messages;

/// <summary>Writes protobuf fields into a span; numbers that are zero are left out, as proto3 has it.</summary>
internal ref struct FieldWriter(Span<byte> to)
{
    private readonly Span<byte> _to = to;

    public int Position { get; private set; }

    public void Number(int field, ulong value)
    {
        if (value == 0) return;
        Varint((ulong)field << 3);
        Varint(value);
    }

    public void Bytes(int field, scoped ReadOnlySpan<byte> value)
    {
        Length(field, value.Length);
        value.CopyTo(_to[Position..]);
        Position += value.Length;
    }

    /// <summary>The tag and the length of bytes that somebody else writes.</summary>
    public void Length(int field, int length)
    {
        Varint(((ulong)field << 3) | 2);
        Varint((ulong)length);
    }

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) _to[Position++] = (byte)(value | 0x80);
        _to[Position++] = (byte)value;
    }
}
