namespace Starling.Protocols.Yamux;

public sealed partial class YamuxCore
{
    private readonly Queue<uint> _pongs = new();
    private FloodMeter _pings;
    private YamuxGoAway? _goAway;
    private bool _goAwaySent;
    private bool _pingDue;
    private bool _pingAwaited;
    private uint _pingValue;
    private Instant _pingSent;
    private Instant _nextPing;
    private Instant _waitingSince;

    /// <summary>The last measured round trip, or null before the first.</summary>
    public TimeSpan? RoundTrip { get; private set; }

    /// <summary>When <see cref="OnTimer"/> wants to be called.</summary>
    public Instant Deadline => _pingAwaited || _pingDue ? GivenUp : _nextPing;

    /// <summary>When a peer that owes an answer counts as lost: sooner when nothing else comes from it either.</summary>
    private Instant GivenUp
    {
        get
        {
            var silent = (LastReceived > _waitingSince ? LastReceived : _waitingSince) + _options.KeepAliveTimeout;
            var patient = _waitingSince + (_options.KeepAliveTimeout * 3);
            return silent < patient ? silent : patient;
        }
    }

    /// <summary>Asks for a ping; one that is under way is not repeated.</summary>
    public void Ping(Instant now)
    {
        if (_pingDue || _pingAwaited || Closing) return;
        _pingDue = true;
        _pingSent = _waitingSince = now;
    }

    /// <summary>Sends keep-alive pings and finds links that do not answer them.</summary>
    /// <returns>A <see cref="YamuxEventKind.Closed"/> event when the peer is lost, else null.</returns>
    public YamuxEvent? OnTimer(Instant now)
    {
        if (Closing) return null;
        if (_pingDue || _pingAwaited)
        {
            if (now - GivenUp > _options.KeepAliveTimeout / 4)
            {
                // This side was held up, and the answer may lie in the socket: the peer gets its time again.
                _waitingSince = now;
                return null;
            }

            if (now >= GivenUp) return Close(CloseReason.KeepAliveTimeout, $"no answer to a ping within {(now - _pingSent).TotalSeconds:0.#} s");
        }
        else if (now >= _nextPing)
        {
            Ping(now);
        }

        return null;
    }

    /// <summary>Queues the good-bye; after it no frame leaves. The first call wins.</summary>
    public void GoAway(YamuxGoAway code)
    {
        _goAway ??= code;
    }

    private YamuxEvent? OnPing(YamuxHeader header, Instant now)
    {
        switch (header.Flags)
        {
            case YamuxFlags.Syn:
                if (!_pings.TryCount(now)) return Violation("more pings than are tolerated");
                _pongs.Enqueue(header.Length);
                return null;
            case YamuxFlags.Ack when _pingAwaited && header.Length == _pingValue:
                _pingAwaited = false;
                _nextPing = now + _options.KeepAliveInterval;
                RoundTrip = now - _pingSent;
                return new YamuxEvent(YamuxEventKind.Pong);
            case YamuxFlags.Ack:
                return _waste.TryCount(now) ? null : Violation("more answers to no ping than are tolerated");
            default:
                return Violation($"a ping with flags {(ushort)header.Flags}");
        }
    }

    private YamuxEvent OnGoAway(uint code) => code switch
    {
        (uint)YamuxGoAway.Normal => Close(CloseReason.RemoteClose, string.Empty),
        (uint)YamuxGoAway.ProtocolError => Close(CloseReason.RemoteProtocolError, string.Empty),
        (uint)YamuxGoAway.InternalError => Close(CloseReason.RemoteInternalError, string.Empty),
        _ => Close(CloseReason.RemoteInternalError, $"yamux: go-away with the unknown code {code}"),
    };
}
