using System.Net;

namespace Starling.Protocols.Discovery;

/// <summary>The Nebula discovery as a pure state machine: beacons, searches and answers on a multicast group, one core for all interfaces.</summary>
/// <remarks><para>Searches three times after its start and seldom afterwards, announces itself every <see cref="SsdpOptions.BeaconInterval"/>
/// and answers who searches to his own port. A header of Starling carries the peer id; a node that is found without one is whoever
/// answers at its location. There is no good-bye: a peer is lost when it was not heard of for some time.</para>
/// <para>Not safe for several threads; the shell calls it from one loop and carries out the effects in order.</para></remarks>
public sealed partial class SsdpCore : IMulticastCore
{
    /// <summary>How long others may keep an answer.</summary>
    public static readonly TimeSpan AnswerAge = TimeSpan.FromMinutes(30);

    private const int FirstSearches = 3;
    private static readonly TimeSpan ShortestDelay = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan DelaySpread = TimeSpan.FromMilliseconds(180);
    private static readonly TimeSpan LeastGap = TimeSpan.FromSeconds(1);

    private readonly PeerId _self;
    private readonly SsdpOptions _options;
    private readonly IPEndPoint _group;
    private readonly RandomSource _random;
    private readonly bool _listenOnly;
    private readonly Face[] _faces;
    private readonly Dictionary<(int Face, IPEndPoint To), Instant> _asked = [];
    private IReadOnlyList<Multiaddr> _addresses = [];
    private TimeSpan _beaconInterval;
    private bool _beaconing = true;
    private bool _running;
    private double _tokens;
    private Instant _refilled;
    private Instant _timer = Instant.Never;

    /// <summary>Creates a stopped core.</summary>
    /// <param name="self">This node's id.</param>
    /// <param name="options">Names, intervals and limits; not changed afterwards.</param>
    /// <param name="group">The multicast group, for the <c>HOST</c> header.</param>
    /// <param name="interfaces">Where; their order gives their indexes. None is nobody to talk to.</param>
    /// <param name="random">Jitter.</param>
    /// <param name="listenOnly">Whether the node only hears and never sends a packet.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public SsdpCore(PeerId self, SsdpOptions options, IPEndPoint group, IReadOnlyList<MulticastInterface> interfaces, RandomSource random, bool listenOnly = false)
    {
        ArgumentNullException.ThrowIfNull(interfaces);
        ArgumentNullException.ThrowIfNull(random);
        OptionProblems.ThrowIfAny(options);
        (_self, _options, _group, _listenOnly) = (self, options, group, listenOnly);
        _random = random.Fork($"ssdp {self}");
        _beaconInterval = options.BeaconInterval;
        _faces = [.. interfaces.Select(one => new Face(one))];
        _tokens = options.MaxAnswersPerSecond;
    }

    /// <inheritdoc/>
    public int MaxPacket => SsdpMessage.MaxPacket;

    /// <summary>Whether this node announces itself unasked.</summary>
    public bool IsBeaconing => _beaconing && !_listenOnly;

    /// <inheritdoc/>
    public void Start(Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (_running) return;
        _running = true;
        _refilled = now;
        if (!_listenOnly) foreach (var face in _faces) Begin(face, now);
        Schedule(effects);
    }

    /// <inheritdoc/>
    public void Stop(ICollection<DiscoveryEffect> effects)
    {
        if (!_running) return;
        _running = false;
        foreach (var face in _faces) face.Reset();
        _asked.Clear();
        Forget();
        Schedule(effects);
    }

    /// <inheritdoc/>
    public void SetAddresses(IReadOnlyList<Multiaddr> addresses, Instant now, ICollection<DiscoveryEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        if (addresses.SequenceEqual(_addresses)) return;
        _addresses = [.. addresses];
        foreach (var face in _faces) face.Location = LocationOn(face.Interface);
        if (!_running || !IsBeaconing) return;
        foreach (var face in _faces) PlanBeacon(face, now + ShortDelay());
        Schedule(effects);
    }

    /// <inheritdoc/>
    public void SetBeacon(bool isOn, TimeSpan interval, Instant now, ICollection<DiscoveryEffect> effects)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(interval, LeastGap);
        if (isOn == _beaconing && interval == _beaconInterval) return;
        var isNew = isOn && !_beaconing;
        (_beaconing, _beaconInterval) = (isOn, interval);
        if (!_running) return;
        foreach (var face in _faces)
        {
            face.NextBeacon = Instant.Never;
            if (IsBeaconing) PlanBeacon(face, isNew ? now + ShortDelay() : face.LastBeacon + Jittered(interval));
        }

        Schedule(effects);
    }

    /// <inheritdoc/>
    public void Search(Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (!_running || _listenOnly) return;
        foreach (var face in _faces)
        {
            if (now - face.LastSearch >= LeastGap) face.NextSearch = now;
        }

        Schedule(effects);
    }

    /// <inheritdoc/>
    public void Renew(Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (!_running || _listenOnly) return;
        foreach (var face in _faces) Begin(face, now);
        Schedule(effects);
    }

    /// <inheritdoc/>
    public void Tick(Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (!_running) return;
        for (var i = 0; i < _faces.Length; i++)
        {
            var face = _faces[i];
            if (face.NextSearch <= now) Ask(i, now, effects);
            if (face.NextBeacon <= now) Announce(i, now, effects);
        }

        AnswerDue(now, effects);
        Expire(now, effects);
        _timer = Instant.Never;
        Schedule(effects);
    }

    /// <inheritdoc/>
    public void Receive(int face, IPEndPoint from, ReadOnlySpan<byte> packet, Instant now, ICollection<DiscoveryEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(effects);
        if (!_running) return;
        if (Take(face, from, packet, now, effects) is { } refusal) effects.Add(new DiscoveryEffect.Refused(refusal));
        Schedule(effects);
    }

    private DiscoveryRefusal? Take(int face, IPEndPoint from, ReadOnlySpan<byte> packet, Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (!_faces[face].Interface.Contains(from.Address)) return DiscoveryRefusal.ForeignSource;
        if (SsdpMessage.Read(packet, out var message) is { } wrong) return wrong;
        if (message!.Service != _options.ServiceName) return DiscoveryRefusal.WrongService;
        return message.Kind == SsdpKind.Search ? OnSearch(face, from, message, now) : OnPlace(face, from, message, now, effects);
    }

    private DiscoveryRefusal? OnSearch(int face, IPEndPoint from, SsdpMessage search, Instant now)
    {
        if (_listenOnly || _faces[face].Location is null || _self.Equals(search.Peer)) return null;
        if (_asked.ContainsKey((face, from))) return null;
        _tokens = Math.Min(_options.MaxAnswersPerSecond, _tokens + ((now - _refilled).TotalSeconds * _options.MaxAnswersPerSecond));
        _refilled = now;
        if (_tokens < 1) return DiscoveryRefusal.TooManyQuestions;
        _tokens--;
        _asked.Add((face, from), now + ShortDelay());
        return null;
    }

    private void AnswerDue(Instant now, ICollection<DiscoveryEffect> effects)
    {
        foreach (var ((face, to), at) in _asked)
        {
            if (at > now) continue;

            // Removing while walking is allowed for a dictionary.
            _asked.Remove((face, to));
            if (_faces[face].Location is { } place) Send(face, to, new SsdpMessage(SsdpKind.Answer, _options.ServiceName) { Location = place, Peer = _self, MaxAge = AnswerAge }, effects);
        }
    }

    private void Ask(int index, Instant now, ICollection<DiscoveryEffect> effects)
    {
        var face = _faces[index];
        face.LastSearch = now;
        face.Searches++;
        face.NextSearch = now + (face.Searches < FirstSearches ? _random.Jitter(LeastGap * face.Searches, 1, 1.5) : Jittered(_options.SearchInterval));
        Send(index, null, new SsdpMessage(SsdpKind.Search, _options.ServiceName) { Peer = _self }, effects);
    }

    private void Announce(int index, Instant now, ICollection<DiscoveryEffect> effects)
    {
        var face = _faces[index];
        face.LastBeacon = now;
        face.NextBeacon = now + Jittered(_beaconInterval);
        if (face.Location is not { } place) return;
        Send(index, null, new SsdpMessage(SsdpKind.Beacon, _options.ServiceName)
        {
            Location = place,
            Peer = _self,
            MaxAge = 3 * _beaconInterval,
            Latitude = _options.Latitude,
            Longitude = _options.Longitude,
        }, effects);
    }

    private void Begin(Face face, Instant now)
    {
        face.Searches = 0;
        face.NextSearch = Later(now + ShortDelay(), face.LastSearch + LeastGap);
        if (IsBeaconing) PlanBeacon(face, now + ShortDelay());
    }

    private static void PlanBeacon(Face face, Instant at) => face.NextBeacon = Sooner(face.NextBeacon, Later(at, face.LastBeacon + LeastGap));

    private void Send(int face, IPEndPoint? to, SsdpMessage message, ICollection<DiscoveryEffect> effects) =>
        effects.Add(new DiscoveryEffect.Send(face, message.Write(_group), to));

    private TimeSpan ShortDelay() => ShortestDelay + (DelaySpread * _random.NextDouble());

    private TimeSpan Jittered(TimeSpan interval) => _random.Jitter(interval, 0.75, 1.25);

    /// <summary>One address and port stands for this node: best that of the interface itself, for others do not believe one that is not the sender's.</summary>
    private IPEndPoint? LocationOn(MulticastInterface face)
    {
        IPEndPoint? any = null;
        foreach (var address in _addresses)
        {
            if (address.Components is not [{ Protocol: "ip4" }, { Protocol: "tcp" }]) continue;
            if (FaceAddresses.Said(address, face.Address, out var port) is not { } said || port == 0 || !FaceAddresses.TryHost(said, out var host)) continue;
            if (host!.Equals(face.Address)) return new IPEndPoint(host, port);
            any ??= new IPEndPoint(host, port);
        }

        return any;
    }

    private static Instant Sooner(Instant left, Instant right) => left < right ? left : right;

    private static Instant Later(Instant left, Instant right) => left > right ? left : right;

    private void Schedule(ICollection<DiscoveryEffect> effects)
    {
        var due = Instant.Never;
        if (_running)
        {
            due = _nextExpiry;
            foreach (var face in _faces) due = Sooner(due, Sooner(face.NextSearch, face.NextBeacon));
            foreach (var at in _asked.Values) due = Sooner(due, at);
        }

        if (due == _timer) return;
        _timer = due;
        effects.Add(new DiscoveryEffect.SetTimer(due));
    }

    /// <summary>What is planned on one interface.</summary>
    private sealed class Face(MulticastInterface face)
    {
        // Far enough back that nothing is held up by it, and no sum overflows.
        private static readonly Instant LongAgo = new(long.MinValue / 2);

        public MulticastInterface Interface { get; } = face;

        public IPEndPoint? Location { get; set; }

        public Instant NextSearch { get; set; } = Instant.Never;

        public Instant LastSearch { get; set; } = LongAgo;

        public int Searches { get; set; }

        public Instant NextBeacon { get; set; } = Instant.Never;

        public Instant LastBeacon { get; set; } = LongAgo;

        public void Reset()
        {
            NextSearch = NextBeacon = Instant.Never;
            Searches = 0;
        }
    }
}
