using System.Buffers.Binary;

namespace Starling.Protocols.Messages;

/// <summary>A message's name: 128 random bits that its origin drew.</summary>
/// <param name="Value">The bits; big-endian on the wire.</param>
public readonly record struct MessageUid(UInt128 Value)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Length = 16;

    /// <summary>Draws a new one.</summary>
    public static MessageUid Create(RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return new MessageUid(new UInt128(random.NextUInt64(), random.NextUInt64()));
    }

    /// <summary>Reads one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than 16 bytes.</exception>
    public static MessageUid Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Writes its 16 bytes.</summary>
    public void Write(Span<byte> to) => BinaryPrimitives.WriteUInt128BigEndian(to, Value);

    /// <summary>The 32 digits in hexadecimal.</summary>
    public override string ToString() => Value.ToString("x32", null);
}

/// <summary>What duplicates of a message have in common: its origin and the id that the origin gave it.</summary>
/// <remarks>The origin is part of it, so that nobody can make a message of somebody else a duplicate by using its id first.</remarks>
/// <param name="Origin">Who made the message.</param>
/// <param name="Id">Its id.</param>
public readonly record struct MessageKey(PeerId Origin, MessageUid Id);
