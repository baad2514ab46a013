using System.Runtime.CompilerServices;
using Starling.Protocols.PubSub;

namespace Starling.Protocols.Spread;

/// <summary>The fields 1 to 8 of one small protobuf message, each at most once, read in place.</summary>
internal struct SpreadFields
{
    private Nine<ReadOnlyMemory<byte>> _bytes;
    private Nine<ulong> _numbers;

    /// <summary>Reads a message; unknown fields are skipped.</summary>
    /// <param name="message">The bytes, which the fields point into.</param>
    /// <param name="bytes">Numbers of the fields that hold bytes.</param>
    /// <param name="numbers">Numbers of the fields that hold a number.</param>
    /// <param name="fields">What was read.</param>
    /// <returns>False when it is not well-formed, or a field repeats or is of another type.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> message, ReadOnlySpan<int> bytes, ReadOnlySpan<int> numbers, out SpreadFields fields)
    {
        fields = default;
        var met = 0;
        var reader = new ProtobufReader(message.Span);
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return false;
            var isBytes = bytes.Contains(field);
            if (!isBytes && !numbers.Contains(field))
            {
                if (!reader.TrySkip(wireType)) return false;
                continue;
            }

            if ((met & (1 << field)) != 0) return false;
            met |= 1 << field;
            if (isBytes)
            {
                if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out var start, out var length)) return false;
                fields._bytes[field] = message.Slice(start, length);
            }
            else
            {
                if (wireType != ProtobufReader.Varint || !reader.TryReadVarint(out var number)) return false;
                fields._numbers[field] = number;
            }
        }

        return true;
    }

    /// <summary>A field's bytes; empty when it is not there.</summary>
    public readonly ReadOnlyMemory<byte> Bytes(int field) => _bytes[field];

    /// <summary>A field's number; 0 when it is not there.</summary>
    public readonly ulong Number(int field) => _numbers[field];

    [InlineArray(9)]
    private struct Nine<T>
    {
        private T _first;
    }
}
