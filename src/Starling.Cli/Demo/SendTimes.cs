namespace Starling.Cli.Demo;

/// <summary>When each of the last messages was sent, so that a subscriber in the same process can tell how long it took.</summary>
/// <remarks>One publisher stamps; many subscribers read.</remarks>
internal sealed class SendTimes(TimeProvider clock)
{
    private const int Kept = 1 << 16;
    private readonly long[] _stamps = new long[Kept];
    private long _sent;

    /// <summary>Notes that the next message is sent now.</summary>
    public void Stamp()
    {
        Volatile.Write(ref _stamps[_sent % Kept], clock.GetTimestamp());
        Volatile.Write(ref _sent, _sent + 1);
    }

    /// <summary>The time since the message with this number, from 0, was sent; null when it is too old to be known.</summary>
    public TimeSpan? Since(long number) => Volatile.Read(ref _sent) - number is > 0 and < Kept
        ? clock.GetElapsedTime(Volatile.Read(ref _stamps[number % Kept]))
        : null;
}
