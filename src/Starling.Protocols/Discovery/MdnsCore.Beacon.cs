namespace Starling.Protocols.Discovery;

/// <content>Unsolicited announcements, and questions that the user asks for.</content>
public sealed partial class MdnsCore
{
    // A packet takes far less to come back; one that was lost on the way must not swallow another node's question for long.
    private static readonly TimeSpan EchoTime = TimeSpan.FromSeconds(5);

    /// <summary>Whether this node announces itself unasked.</summary>
    public bool IsBeaconing => _beaconing && !_listenOnly;

    /// <summary>Begins or ends unsolicited announcements, and sets the time between two of them. Takes effect at once.</summary>
    /// <remarks>Every answer is an announcement as well, for everybody hears it: the next one is due an interval after it, jittered by a
    /// quarter. Without a beacon questions are answered as before, this node's own excepted.</remarks>
    /// <param name="isOn">Whether to announce.</param>
    /// <param name="interval">The time between two announcements.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    /// <exception cref="ArgumentOutOfRangeException">The interval is shorter than <see cref="MdnsOptions.AnswerInterval"/>.</exception>
    public void SetBeacon(bool isOn, TimeSpan interval, Instant now, ICollection<DiscoveryEffect> effects)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(interval, _options.AnswerInterval);
        var isNew = isOn && !_beaconing;
        if (isOn == _beaconing && interval == _beaconInterval) return;
        (_beaconing, _beaconInterval) = (isOn, interval);
        if (!_running) return;
        foreach (var face in _faces)
        {
            face.NextBeacon = IsBeaconing && !isNew ? face.LastAnswer + Jittered(interval) : Instant.Never;
            if (IsBeaconing && isNew) PlanAnswer(face, now, ShortDelay());
            else if (!IsBeaconing && !face.IsAsked) face.NextAnswer = Instant.Never;
        }

        Schedule(effects);
    }

    /// <summary>Asks for peers at once; within <see cref="MdnsOptions.AnswerInterval"/> of the last question its answers serve.</summary>
    public void Search(Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (!_running || _listenOnly) return;
        foreach (var face in _faces)
        {
            if (now - face.LastQuery >= _options.AnswerInterval) face.NextQuery = now;
        }

        Schedule(effects);
    }

    /// <summary>Announces and asks anew, with short intervals at first, as after a start; what was found is kept.</summary>
    public void Renew(Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (!_running || _listenOnly) return;
        foreach (var face in _faces)
        {
            face.Interval = _options.FirstQueryInterval;
            face.NextQuery = Later(now + ShortDelay(), face.LastQuery + _options.AnswerInterval);
            if (IsBeaconing) PlanAnswer(face, now, ShortDelay());
        }

        Schedule(effects);
    }

    private void PlanBeacon(Face face, Instant now)
    {
        if (face.NextBeacon <= now) PlanAnswer(face, now, TimeSpan.Zero);
        face.NextBeacon = IsBeaconing ? now + Jittered(_beaconInterval) : Instant.Never;
    }

    private TimeSpan Jittered(TimeSpan interval) => _random.Jitter(interval, 0.75, 1.25);

    /// <summary>Whether this is the node's own question, come back to it: as many are passed over as it asked just now.</summary>
    private bool IsEcho(Face face, DnsMessage query, Instant now)
    {
        if (now - face.LastQuery >= EchoTime) face.Echoes = 0;
        if (face.Echoes == 0 || query.Questions.Count != 1 || !Asks(query.Questions[0], DnsType.Ptr, _service)) return false;
        face.Echoes--;
        return true;
    }
}
