using Starling.Protocols.Spread;

namespace Starling.Gateways.Gossip;

/// <summary>Decides what becomes of messages: who is notified, whose verdict is awaited, what spreads. Knows no sockets and no time but what it is told. Not safe for several threads.</summary>
internal sealed partial class GossipDesk
{
    private readonly GossipApiOptions _options;
    private readonly PeerId _local;
    private readonly RandomSource _random;
    private readonly RegistrationTable _registrations;
    private readonly GossipMessageCache _cache;
    private readonly VerdictBoard<CachedMessage> _board = new();
    private readonly RejectedHashes _rejected;
    private readonly Dictionary<long, NotificationIds> _clients = [];
    private readonly Dictionary<CachedMessage, MessageState> _states = [];

    public GossipDesk(GossipApiOptions options, PeerId local, RandomSource random)
    {
        (_options, _local, _random) = (options, local, random);
        _registrations = new RegistrationTable(options.MaxRegistrations);
        _cache = new GossipMessageCache(options.CacheSize, options.MaxAwaited);
        _rejected = new RejectedHashes(options.MaxRejected);
    }

    public GossipCounters Counters { get; } = new();

    public RegistrationTable Registrations => _registrations;

    public GossipMessageCache Cache => _cache;

    /// <summary>When <see cref="Tick"/> has something to do.</summary>
    public Instant NextTick => _board.NextDeadline;

    /// <summary>A client has connected.</summary>
    public void Connect(long client) => _clients.Add(client, new NotificationIds());

    /// <summary>A client is gone: its registrations end, and its say lapses.</summary>
    public void Disconnect(long client, ICollection<GossipEffect> effects)
    {
        if (!_clients.Remove(client, out var ids)) return;
        _registrations.Unregister(client);
        foreach (var message in ids.Messages) _states[message].Notified.Remove(client);
        foreach (var state in _states.Values) state.Announcers.Remove(client);
        Decide(_board.Lapse(client), effects);
    }

    /// <summary>A client wants to be told of a type: of what comes, and of the valid messages that are there.</summary>
    public GossipCloseReason Notify(long client, ushort type, ICollection<GossipEffect> effects)
    {
        if (_registrations.IsRegistered(client, type)) return GossipCloseReason.None;
        if (!_registrations.Register(client, type)) return GossipCloseReason.TooManyRegistrations;
        foreach (var message in _cache.Where(message => message.IsValid && message.DataType == type)) Hand(client, message, effects);
        return GossipCloseReason.None;
    }

    /// <summary>A client hands over data to be spread.</summary>
    public GossipAnnounceOutcome Announce(long client, GossipAnnounce announce, ICollection<GossipEffect> effects)
    {
        if (_options.Strict && !_registrations.IsRegistered(announce.DataType)) return GossipAnnounceOutcome.Unregistered;
        var hash = ContentHash.Of(announce.DataType, announce.Data.Span);
        if (_rejected.Contains(hash)) return GossipAnnounceOutcome.Vetoed;
        var known = _cache.Find(hash);
        var message = known ?? Add(announce.DataType, announce.Data, isValid: true, effects);
        var state = _states[message];
        state.Announcers.Add(client);

        // Whoever announces what the network has brought already says that it is valid: nobody is waited for any longer.
        if (!message.IsValid) Accept(message, effects);
        else if (known is null) NotifyAll(message, effects);
        var key = new SpreadKey(SpreadId.New(_random), _local, IsSigned: true);
        Remember(state, key, effects);
        effects.Add(new GossipEffect(GossipEffectKind.Publish, message, Ttl: GossipTtl.Cap(announce.Ttl, _options.MaxTtl), Key: key));
        return known is null ? GossipAnnounceOutcome.Spread : GossipAnnounceOutcome.Repeated;
    }

    /// <summary>An item was handed to spread: what became of its message meanwhile is made up for.</summary>
    public void Published(CachedMessage message, SpreadKey key, ICollection<GossipEffect> effects)
    {
        if (_states.TryGetValue(message, out var state) && state.Keys.Contains(key)) return;
        effects.Add(new GossipEffect(GossipEffectKind.Withdraw, Key: key, Verdict: _rejected.Contains(message.Hash) ? SpreadVerdict.Reject : SpreadVerdict.Ignore));
    }

    /// <summary>A client has judged a message that it was notified of.</summary>
    /// <returns>False when it does not know a message by this id, or no longer.</returns>
    public bool Validate(long client, GossipValidation verdict, ICollection<GossipEffect> effects)
    {
        if (!_clients.TryGetValue(client, out var ids) || ids.Find(verdict.Id) is not { } message) return false;
        if (_board.IsOpen(message)) Decide([(message, _board.Vote(message, client, verdict.IsValid))], effects);
        else if (!verdict.IsValid) Veto(message, effects);
        return true;
    }

    /// <summary>The network has brought a message. Its verdict follows as an effect, at once or later.</summary>
    public void Receive(SpreadKey key, ushort type, ReadOnlyMemory<byte> data, Instant now, ICollection<GossipEffect> effects)
    {
        Tick(now, effects);
        if (!_registrations.IsRegistered(type))
        {
            Counters.Count(GossipCount.Unregistered);
            Judge(key, SpreadVerdict.Ignore, effects);
            return;
        }

        var hash = ContentHash.Of(type, data.Span);
        if (_rejected.Contains(hash))
        {
            Counters.Count(GossipCount.VetoedBefore);
            Judge(key, SpreadVerdict.Reject, effects);
        }
        else if (_cache.Find(hash) is { } known)
        {
            Counters.Count(GossipCount.Duplicates);
            Remember(_states[known], key, effects);
            if (known.IsValid) Judge(key, SpreadVerdict.Accept, effects);
        }
        else
        {
            var message = Add(type, data, isValid: false, effects);
            Remember(_states[message], key, effects);
            _board.Open(message, _registrations.GetRegistrations(type), now + _options.ValidationTimeout);
            NotifyAll(message, effects);
        }
    }

    /// <summary>Ends the waits whose time is over.</summary>
    public void Tick(Instant now, ICollection<GossipEffect> effects)
    {
        var decided = _board.Expire(now);
        Counters.Count(GossipCount.TimedOut, decided.Count);
        Decide(decided, effects);
    }

    /// <summary>What the desk knows of a message beyond the message.</summary>
    private sealed class MessageState
    {
        /// <summary>Clients that announced it; never notified of it.</summary>
        public HashSet<long> Announcers { get; } = [];

        public HashSet<long> Notified { get; } = [];

        /// <summary>The items that carry it between nodes.</summary>
        public Queue<SpreadKey> Keys { get; } = new();
    }
}
