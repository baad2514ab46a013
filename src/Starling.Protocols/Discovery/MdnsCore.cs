using System.Net;

namespace Starling.Protocols.Discovery;

/// <summary>Multicast DNS discovery as a pure state machine: libp2p specification discovery/mdns over RFC 6762 and 6763.</summary>
/// <remarks><para>On each interface it announces itself once when started, asks for peers with growing intervals, answers every
/// question for the service (its own too, so that others learn of it in passing) at most once per
/// <see cref="MdnsOptions.AnswerInterval"/>, and takes a query heard from another node in place of its own next one.</para>
/// <para>Not safe for several threads; the shell calls it from one loop and carries out the effects in order.</para></remarks>
public sealed partial class MdnsCore : IMulticastCore
{
    /// <summary>Characters of the random name that stands for this node in DNS (the specification wants at least 32).</summary>
    public const int PeerNameLength = 40;

    private const string NameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static readonly TimeSpan ShortestDelay = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan DelaySpread = TimeSpan.FromMilliseconds(100);
    private static readonly DnsName MetaService = DnsName.Parse("_services._dns-sd._udp.local");

    private readonly MdnsOptions _options;
    private readonly RandomSource _random;
    private readonly PeerId _self;
    private readonly DnsName _service;
    private readonly DnsName _instance;
    private readonly DnsName _host;
    private readonly Face[] _faces;
    private IReadOnlyList<Multiaddr> _addresses = [];
    private readonly bool _listenOnly;
    private bool _running;
    private bool _beaconing;
    private TimeSpan _beaconInterval;
    private Instant _timer = Instant.Never;

    /// <summary>Creates a stopped core.</summary>
    /// <param name="self">This node's id.</param>
    /// <param name="options">Names, intervals and limits; not changed afterwards.</param>
    /// <param name="interfaces">Where; their order gives their indexes. None is nobody to talk to.</param>
    /// <param name="random">Names and jitter.</param>
    /// <param name="listenOnly">Whether the node only hears and never sends a packet.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MdnsCore(PeerId self, MdnsOptions options, IReadOnlyList<MulticastInterface> interfaces, RandomSource random, bool listenOnly = false)
    {
        ArgumentNullException.ThrowIfNull(interfaces);
        OptionProblems.ThrowIfAny(options);
        _self = self;
        _options = options;
        _listenOnly = listenOnly;
        _beaconInterval = options.BeaconInterval;
        _beaconing = true;

        // Of the node's own, so that nodes with the same seed do not take each other for themselves.
        _random = random.Fork($"mdns {self}");
        PeerName = string.Create(PeerNameLength, _random, static (name, source) =>
        {
            for (var i = 0; i < name.Length; i++) name[i] = NameCharacters[source.Next(NameCharacters.Length)];
        });
        _service = DnsName.Parse(options.ServiceName);
        _instance = _service.WithLabel(PeerName);
        _host = DnsName.Parse("p2p.local").WithLabel(PeerName);
        _faces = [.. interfaces.Select(one => new Face(one))];
    }

    /// <summary>The random name of this node in DNS: new for each core, and no peer id, as the specification asks.</summary>
    public string PeerName { get; }

    /// <summary>Starts: announces this node and asks for others after a random 20 to 120 ms (RFC 6762 §5.2).</summary>
    public void Start(Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (_running) return;
        _running = true;
        foreach (var face in _faces)
        {
            face.Interval = _options.FirstQueryInterval;
            if (!_listenOnly) face.NextQuery = now + ShortDelay();
            if (IsBeaconing) face.NextAnswer = face.NextQuery;
        }

        Schedule(effects);
    }

    /// <summary>Stops: says good-bye for itself (RFC 6762 §10.1) and forgets every peer without reporting them lost.</summary>
    public void Stop(ICollection<DiscoveryEffect> effects)
    {
        if (!_running) return;
        _running = false;
        for (var i = 0; i < _faces.Length; i++)
        {
            // The pointer alone: peers that do not heed the zero see no addresses in it and pass it over.
            if (_faces[i].Announced) Send(i, DnsMessage.Response([new DnsRecord.Ptr(_service, 0, _instance)], []), effects);
            _faces[i].Reset();
        }

        Forget();
        Schedule(effects);
    }

    /// <summary>Sets the addresses to announce, without peer id. A change is announced at once, within the answer interval.</summary>
    public void SetAddresses(IReadOnlyList<Multiaddr> addresses, Instant now, ICollection<DiscoveryEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        if (addresses.SequenceEqual(_addresses)) return;
        _addresses = [.. addresses];
        if (!_running || !IsBeaconing) return;
        foreach (var face in _faces) PlanAnswer(face, now, ShortDelay());
        Schedule(effects);
    }

    /// <summary>Does what is due. Calling it early or late does no harm.</summary>
    public void Tick(Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (!_running) return;
        for (var i = 0; i < _faces.Length; i++)
        {
            var face = _faces[i];
            if (face.NextBeacon <= now) PlanBeacon(face, now);
            if (face.NextAnswer <= now) Answer(i, now, effects);
            if (face.NextMetaAnswer <= now) AnswerMeta(i, now, effects);
            if (face.NextQuery <= now) Ask(i, now, effects);
        }

        Expire(now, effects);
        _timer = Instant.Never;
        Schedule(effects);
    }

    /// <summary>Takes a packet that was multicast to the group.</summary>
    /// <param name="face">Index of the interface that it came in on.</param>
    /// <param name="packet">The packet; not kept.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    public void Receive(int face, ReadOnlySpan<byte> packet, Instant now, ICollection<DiscoveryEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_running) return;
        switch (DnsMessage.TryRead(packet, out var message))
        {
            case DnsError.None when message!.IsResponse:
                OnResponse(face, message, now, effects);
                break;
            case DnsError.None:
                OnQuery(_faces[face], message!, now);
                break;
            case DnsError.TooLarge:
                effects.Add(new DiscoveryEffect.Refused(DiscoveryRefusal.TooLarge));
                return;
            case DnsError.TooManyEntries:
                effects.Add(new DiscoveryEffect.Refused(DiscoveryRefusal.TooManyEntries));
                return;
            default:
                effects.Add(new DiscoveryEffect.Refused(DiscoveryRefusal.Malformed));
                return;
        }

        Schedule(effects);
    }

    int IMulticastCore.MaxPacket => DnsMessage.MaxPacket;

    void IMulticastCore.Receive(int face, IPEndPoint from, ReadOnlySpan<byte> packet, Instant now, ICollection<DiscoveryEffect> effects) =>
        Receive(face, packet, now, effects);

    private void OnQuery(Face face, DnsMessage query, Instant now)
    {
        // Others may learn of this node in passing from the answer to its own question, but not when it does not announce itself.
        var isEcho = IsEcho(face, query, now);
        if (_listenOnly || (isEcho && !IsBeaconing)) return;
        foreach (var question in query.Questions)
        {
            if (Asks(question, DnsType.Ptr, _service))
            {
                // Everybody hears every answer, so another node's query serves us as well as our own (RFC 6762 §7.3).
                PlanQuery(face, now);
                PlanReply(face, now);
            }
            else if (Asks(question, DnsType.Srv, _instance) || Asks(question, DnsType.Txt, _instance)
                || Asks(question, DnsType.A, _host) || Asks(question, DnsType.Aaaa, _host))
            {
                PlanReply(face, now);
            }
            else if (Asks(question, DnsType.Ptr, MetaService))
            {
                face.NextMetaAnswer = Sooner(face.NextMetaAnswer, Later(now + ShortDelay(), face.LastMetaAnswer + _options.AnswerInterval));
            }
        }
    }

    private void Ask(int index, Instant now, ICollection<DiscoveryEffect> effects)
    {
        var face = _faces[index];
        face.LastQuery = now;
        face.Echoes++;
        Send(index, DnsMessage.Query(_service, DnsType.Ptr), effects);
        PlanQuery(face, now);
        var doubled = face.Interval * 2;
        face.Interval = doubled < _options.QueryInterval ? doubled : _options.QueryInterval;
    }

    private void PlanQuery(Face face, Instant now) => face.NextQuery = now + _random.Jitter(face.Interval, 0.75, 1.25);

    private void PlanAnswer(Face face, Instant now, TimeSpan delay) =>
        face.NextAnswer = Sooner(face.NextAnswer, Later(now + delay, face.LastAnswer + _options.AnswerInterval));

    private void PlanReply(Face face, Instant now)
    {
        face.IsAsked = true;
        PlanAnswer(face, now, ShortDelay());
    }

    private TimeSpan ShortDelay() => ShortestDelay + (DelaySpread * _random.NextDouble());

    private static void Send(int face, DnsMessage message, ICollection<DiscoveryEffect> effects) => effects.Add(new DiscoveryEffect.Send(face, message.Write()));

    private static bool Asks(DnsQuestion question, DnsType type, DnsName name) => (question.Type == type || question.Type == DnsType.Any) && question.Name.Equals(name);

    private static Instant Sooner(Instant left, Instant right) => left < right ? left : right;

    private static Instant Later(Instant left, Instant right) => left > right ? left : right;

    private void Schedule(ICollection<DiscoveryEffect> effects)
    {
        var due = Instant.Never;
        if (_running)
        {
            due = _nextExpiry;
            foreach (var face in _faces) due = Sooner(due, Sooner(Sooner(face.NextQuery, face.NextBeacon), Sooner(face.NextAnswer, face.NextMetaAnswer)));
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

        public IPAddress Address { get; } = face.Address;

        public TimeSpan Interval { get; set; }

        public Instant NextQuery { get; set; } = Instant.Never;

        public Instant LastQuery { get; set; } = LongAgo;

        public int Echoes { get; set; }

        public Instant NextBeacon { get; set; } = Instant.Never;

        public Instant NextAnswer { get; set; } = Instant.Never;

        public bool IsAsked { get; set; }

        public Instant LastAnswer { get; set; } = LongAgo;

        public Instant NextMetaAnswer { get; set; } = Instant.Never;

        public Instant LastMetaAnswer { get; set; } = LongAgo;

        public bool Announced { get; set; }

        public void Reset()
        {
            NextQuery = NextBeacon = NextAnswer = NextMetaAnswer = Instant.Never;
            Echoes = 0;
            IsAsked = false;
            Announced = false;
        }
    }
}
