using System.Security.Cryptography;

namespace Starling.Net.Links;

/// <summary><c>/ipfs/ping/1.0.0</c>: 32 random bytes, echoed (ping specification).</summary>
internal static class PingProtocol
{
    public const string Id = "/ipfs/ping/1.0.0";

    /// <summary>Streams of it that one peer may have open; the specification says two.</summary>
    public const int MaxPerPeer = 2;

    private const int Length = 32;

    /// <summary>Echoes until the peer ends its direction.</summary>
    public static async Task ServeAsync(IStream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[Length];
        while (await FillAsync(stream, buffer, cancellationToken)) await stream.WriteAsync(buffer, cancellationToken);
        await stream.CloseWriteAsync(cancellationToken);
    }

    /// <summary>Measures one round trip on an open stream.</summary>
    /// <exception cref="ProtocolViolationException">The echo is not what was sent.</exception>
    public static async Task<TimeSpan> MeasureAsync(IStream stream, RandomSource random, TimeProvider clock, CancellationToken cancellationToken)
    {
        var sent = new byte[Length];
        random.Fill(sent);
        var echo = new byte[Length];
        var start = clock.GetTimestamp();
        await stream.WriteAsync(sent, cancellationToken);
        if (!await FillAsync(stream, echo, cancellationToken)) throw new ProtocolViolationException("The peer ended the ping stream instead of echoing.");
        var time = clock.GetElapsedTime(start);
        if (!CryptographicOperations.FixedTimeEquals(sent, echo)) throw new ProtocolViolationException("The peer echoed other bytes than it was sent.");
        return time;
    }

    private static async ValueTask<bool> FillAsync(IStream stream, byte[] buffer, CancellationToken cancellationToken)
    {
        for (var filled = 0; filled < buffer.Length;)
        {
            var count = await stream.ReadAsync(buffer.AsMemory(filled), cancellationToken);
            if (count == 0) return filled == 0 ? false : throw new ProtocolViolationException($"The peer ended the ping stream after {filled} of {buffer.Length} bytes.");
            filled += count;
        }

        return true;
    }
}
