using System.Buffers.Binary;
using System.Diagnostics;

namespace Starling.Bench.PubSub.Ends;

/// <summary>What a subscriber got in one run: checks that each message is the next one, whole, and takes the times.</summary>
/// <param name="count">Messages of the run.</param>
/// <param name="size">Bytes of each.</param>
/// <param name="paced">Whether each message says when it was published. Stopwatch timestamps of two processes of one machine are comparable on Linux (CLOCK_MONOTONIC).</param>
internal sealed class Tally(int count, int size, bool paced)
{
    private readonly double[] _latencies = new double[paced ? count : 0];
    private int _taken;

    /// <summary>When the last message was taken, a Stopwatch timestamp.</summary>
    public long Ended { get; private set; }

    /// <summary>One-way times in microseconds, in order of arrival; empty unless paced.</summary>
    public IReadOnlyList<double> Latencies => _latencies;

    /// <summary>Writes a message's number and time into its payload.</summary>
    public static void Mark(Span<byte> payload, long number, long timestamp)
    {
        BinaryPrimitives.WriteInt64LittleEndian(payload, number);
        BinaryPrimitives.WriteInt64LittleEndian(payload[8..], timestamp);
    }

    /// <summary>Takes one message; true when it was the last one.</summary>
    /// <exception cref="InvalidDataException">A message was lost, repeated, out of order or cut.</exception>
    public bool Take(ReadOnlySpan<byte> payload)
    {
        if (payload.Length != size) throw new InvalidDataException($"A message of {payload.Length} bytes came; {size} were sent.");
        var number = BinaryPrimitives.ReadInt64LittleEndian(payload);
        if (number != _taken) throw new InvalidDataException($"Message {number} came where {_taken} of {count} was expected.");
        if (paced) _latencies[_taken] = Stopwatch.GetElapsedTime(BinaryPrimitives.ReadInt64LittleEndian(payload[8..])).TotalMicroseconds;
        if (++_taken < count) return false;
        Ended = Stopwatch.GetTimestamp();
        return true;
    }
}
