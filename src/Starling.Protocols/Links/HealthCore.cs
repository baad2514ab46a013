namespace Starling.Protocols.Links;

/// <summary>What a check of one link asks of the shell.</summary>
public enum HealthVerdict
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Ping the peer and report with <see cref="HealthCore.Answered"/>.</summary>
    Ping,

    /// <summary>The peer has not answered for longer than its round trips explain. It has more time yet.</summary>
    Suspect,

    /// <summary>Something came of a peer that was suspected.</summary>
    Recovered,

    /// <summary>The time is over: close the link.</summary>
    Dead,
}

/// <summary>What the core knows of one link. Changed by <see cref="HealthCore"/> only.</summary>
public sealed class HealthTarget
{
    internal HealthTarget()
    {
    }

    /// <summary>Whether the peer is suspected.</summary>
    public bool Suspected { get; internal set; }

    internal bool Pinging { get; set; }

    internal Instant LastReceived { get; set; }

    internal TimeSpan Heard { get; set; }

    internal TimeSpan? Asked { get; set; }

    internal Instant? Sampled { get; set; }

    internal TimeSpan LostBefore { get; set; }
}

/// <summary>Tells living links from dead ones by their silence, on the clock of the time in which this node was awake.</summary>
/// <remarks>
/// <para>Any byte that arrives is a sign of life. After <see cref="HealthLimits.Interval"/> of silence the peer is asked;
/// when it owes the answer for longer than a third of the rest, and than its round trips explain, it is suspected; at
/// <see cref="HealthLimits.Timeout"/> it is dead. Both deadlines are multiplied by <see cref="LocalHealth.Factor"/>, and
/// time that this node lost (it was stopped, starved or collecting) counts for nobody's silence.</para>
/// <para>Once a round the shell calls <see cref="BeginRound"/> and then <see cref="Check"/> for each link. Not safe for several threads.</para>
/// </remarks>
public sealed class HealthCore
{
    private readonly HealthLimits _limits;
    private Instant _lastRound;
    private TimeSpan _awake;
    private TimeSpan _counted;

    /// <summary>Creates the core of one node.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit is out of its range.</exception>
    public HealthCore(HealthLimits limits, Instant now)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limits.Interval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limits.Timeout, limits.Interval);
        ArgumentOutOfRangeException.ThrowIfNegative(limits.LocalMaximum);
        (_limits, _lastRound) = (limits, now);
        Local = new LocalHealth(limits.Round, limits.LocalMaximum);
    }

    /// <summary>How well this node itself is.</summary>
    public LocalHealth Local { get; }

    /// <summary>Time since the beginning in which this node was held up.</summary>
    public TimeSpan Lost { get; private set; }

    /// <summary>A link became ready. It is asked for a first round trip at the next check.</summary>
    public HealthTarget Add(Instant lastReceived) => new() { LastReceived = lastReceived, Heard = _awake };

    /// <summary>Begins a round of checks.</summary>
    /// <param name="now">The present.</param>
    /// <param name="pause">Time since the last round during which the runtime stood still to collect.</param>
    /// <returns>Time that was lost since the last round; zero on a node that is well.</returns>
    public TimeSpan BeginRound(Instant now, TimeSpan pause)
    {
        var elapsed = now - _lastRound;
        _lastRound = now;
        _counted = Local.Observe(elapsed, pause);
        _awake += _counted;
        Lost += elapsed - _counted;
        return elapsed - _counted;
    }

    /// <summary>Judges one link.</summary>
    /// <param name="target">What is known of it.</param>
    /// <param name="lastReceived">When anything arrived on it last.</param>
    /// <param name="roundTrip">Its round trips so far, or null.</param>
    /// <param name="now">The present.</param>
    public HealthVerdict Check(HealthTarget target, Instant lastReceived, RoundTrip? roundTrip, Instant now)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (lastReceived > target.LastReceived)
        {
            var ago = now - lastReceived;
            target.LastReceived = lastReceived;
            target.Heard = _awake - (ago < _counted ? ago : _counted);
        }

        if (_awake - target.Heard < _limits.Interval) return OnLife(target, now);
        if (target.Asked is not { } asked)
        {
            target.Asked = _awake;
            return Ping(target, now);
        }

        var owed = _awake - asked;
        var rest = _limits.Timeout - _limits.Interval;
        var explained = Explained(roundTrip);
        if (!target.Suspected)
        {
            if (owed < Longer(rest / 3, explained) * Local.Factor) return HealthVerdict.None;
            target.Suspected = true;
            return HealthVerdict.Suspect;
        }

        return owed < Longer(rest, explained) * Local.Factor ? HealthVerdict.None : HealthVerdict.Dead;
    }

    /// <summary>A ping has ended, answered or not.</summary>
    /// <returns>Whether its time is worth anything: no time was lost meanwhile.</returns>
    public bool Answered(HealthTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        target.Pinging = false;
        return target.LostBefore == Lost;
    }

    private static TimeSpan Longer(TimeSpan left, TimeSpan right) => left > right ? left : right;

    private HealthVerdict OnLife(HealthTarget target, Instant now)
    {
        target.Asked = null;
        if (target.Suspected)
        {
            target.Suspected = false;
            return HealthVerdict.Recovered;
        }

        var due = target.Sampled is not { } sampled || now - sampled >= _limits.SampleInterval;
        return due && _limits.SampleInterval > TimeSpan.Zero ? Ping(target, now) : HealthVerdict.None;
    }

    /// <summary>The retransmission timeout of RFC 6298, section 2. A peer that answers slowly on purpose gains twice the timeout at most.</summary>
    private TimeSpan Explained(RoundTrip? roundTrip)
    {
        if (roundTrip is not { } known) return TimeSpan.Zero;
        var timeout = known.Smoothed + (4 * known.Jitter);
        return timeout < _limits.Timeout * 2 ? timeout : _limits.Timeout * 2;
    }

    private HealthVerdict Ping(HealthTarget target, Instant now)
    {
        target.Sampled = now;
        if (target.Pinging) return HealthVerdict.None;
        target.Pinging = true;
        target.LostBefore = Lost;
        return HealthVerdict.Ping;
    }
}
