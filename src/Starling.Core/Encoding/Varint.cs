using System.Buffers;
using System.Numerics;

namespace Starling;

/// <summary>Unsigned variable-length integers of the multiformats (unsigned-varint spec): LEB128 in its shortest form, at most 9 bytes, so up to 2^63 - 1.</summary>
/// <remarks>Protobuf's own varints go up to 10 bytes; these frame messages and name protocols.</remarks>
public static class Varint
{
    /// <summary>The longest varint, bytes.</summary>
    public const int MaxLength = 9;

    /// <summary>The greatest value.</summary>
    public const ulong MaxValue = long.MaxValue;

    /// <summary>How many bytes a value takes: 1 to 9.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is greater than <see cref="MaxValue"/>.</exception>
    public static int Length(ulong value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxValue);
        return Math.Max(1, (BitOperations.Log2(value) / 7) + 1);
    }

    /// <summary>Writes a value and returns how many bytes it took.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is greater than <see cref="MaxValue"/>.</exception>
    /// <exception cref="ArgumentException">The buffer is too small.</exception>
    public static int Write(Span<byte> destination, ulong value)
    {
        var length = Length(value);
        if (destination.Length < length) throw new ArgumentException($"The value takes {length} bytes and the buffer has {destination.Length}.", nameof(destination));
        for (var i = 0; i < length - 1; i++, value >>= 7) destination[i] = (byte)(value | 0x80);
        destination[length - 1] = (byte)value;
        return length;
    }

    /// <summary>Writes a value to a buffer writer and returns how many bytes it took.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is greater than <see cref="MaxValue"/>.</exception>
    public static int Write(IBufferWriter<byte> destination, ulong value)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var length = Write(destination.GetSpan(MaxLength), value);
        destination.Advance(length);
        return length;
    }

    /// <summary>Reads a value from the start of the bytes.</summary>
    /// <param name="source">The bytes; what follows the varint is not looked at.</param>
    /// <param name="value">The value, or 0.</param>
    /// <param name="consumed">Bytes that the varint took, or 0.</param>
    /// <returns><see cref="OperationStatus.Done"/>; <see cref="OperationStatus.NeedMoreData"/> when the bytes end within it;
    /// <see cref="OperationStatus.InvalidData"/> when it is longer than 9 bytes or than its value needs.</returns>
    public static OperationStatus TryRead(ReadOnlySpan<byte> source, out ulong value, out int consumed)
    {
        value = 0;
        consumed = 0;
        ulong read = 0;
        for (var i = 0; i < source.Length; i++)
        {
            if (i == MaxLength) return OperationStatus.InvalidData;
            var b = source[i];
            read |= (ulong)(b & 0x7f) << (7 * i);
            if (b >= 0x80) continue;
            if (b == 0 && i > 0) return OperationStatus.InvalidData;
            value = read;
            consumed = i + 1;
            return OperationStatus.Done;
        }

        return source.Length >= MaxLength ? OperationStatus.InvalidData : OperationStatus.NeedMoreData;
    }

    /// <inheritdoc cref="TryRead(ReadOnlySpan{byte}, out ulong, out int)"/>
    public static OperationStatus TryRead(in ReadOnlySequence<byte> source, out ulong value, out int consumed)
    {
        if (source.IsSingleSegment || source.FirstSpan.Length >= MaxLength) return TryRead(source.FirstSpan, out value, out consumed);
        Span<byte> start = stackalloc byte[MaxLength];
        var head = source.Slice(0, Math.Min(MaxLength, source.Length));
        head.CopyTo(start);
        return TryRead(start[..(int)head.Length], out value, out consumed);
    }
}
