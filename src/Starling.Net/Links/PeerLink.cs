using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>One link of a <see cref="Swarm"/>. Safe for several threads.</summary>
public sealed class PeerLink : IPeerLink
{
    private const int MaxAskedAt = 16;
    private static readonly PeerInfo Unknown = new("", "", [], [], null, null, default);
    private readonly Lock _gate = new();
    private readonly Swarm _swarm;
    private readonly Instant _opened;
    private readonly RoundTripEstimator _estimator = new();
    private readonly TaskCompletionSource<bool> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, int> _inbound = new(StringComparer.Ordinal);
    private volatile PeerInfo _info = Unknown;
    private volatile LinkHealth _health;
    private volatile IReadOnlySet<string> _protocols = new HashSet<string>();
    private int _negotiating;
    private volatile IReadOnlyList<Multiaddr> _askedAt = [];
    private int _told;
    private int _kind = (int)LinkKind.Direct;
    private bool _peerReady;

    internal PeerLink(Swarm swarm, LinkId id, IConnection connection, SwarmOptions options, TimeProvider clock)
    {
        _swarm = swarm;
        _opened = swarm.Clock.Now();
        Id = id;
        Connection = connection;
        Control = new LinkControl(this, options, clock);
    }

    /// <inheritdoc/>
    public PeerId Peer => Connection.RemotePeer;

    /// <inheritdoc/>
    public LinkKind Kind
    {
        get => (LinkKind)Volatile.Read(ref _kind);
        internal set => Volatile.Write(ref _kind, (int)value);
    }

    /// <summary>Whether the application at the other end has said that it is ready. A claim.</summary>
    public bool IsPeerReady
    {
        get => Volatile.Read(ref _peerReady);
        internal set => Volatile.Write(ref _peerReady, value);
    }

    /// <inheritdoc/>
    public LinkPriority Priority { get; set; } = LinkPriority.Medium;

    /// <inheritdoc/>
    public IConnection Connection { get; }

    /// <inheritdoc/>
    public PeerInfo Info => _info;

    /// <summary>Time since the link was authenticated.</summary>
    public TimeSpan Age => _swarm.Clock.Now() - _opened;

    /// <summary>Round-trip time and jitter so far, or null before the first sample.</summary>
    public RoundTrip? RoundTrip
    {
        get { lock (_gate) return _estimator.Current; }
    }

    /// <summary>Whether the peer answers; <see cref="LinkHealth.Alive"/> where nobody watches.</summary>
    public LinkHealth Health
    {
        get => _health;
        internal set => _health = value;
    }

    internal LinkId Id { get; }

    /// <summary>What is said about the link itself.</summary>
    internal LinkControl Control { get; }

    /// <summary>True once the link is ready, false once it has ended without.</summary>
    internal Task<bool> Ready => _ready.Task;

    /// <summary>Completes when the swarm has taken note of the link's end.</summary>
    internal Task Gone => _gone.Task;

    /// <summary>Keeps this side to one ping stream per peer, as the specification wants.</summary>
    internal SemaphoreSlim Pinging { get; } = new(1, 1);

    /// <summary>An open ping stream between two pings, or null. Guarded by <see cref="Pinging"/>.</summary>
    internal IStream? PingStream { get; set; }

    /// <summary>The version of this node's own description that the peer was told last; 0 before it has asked.</summary>
    internal int Told
    {
        get => Volatile.Read(ref _told);
        set => Volatile.Write(ref _told, value);
    }

    /// <inheritdoc/>
    public ValueTask<IStream> OpenStreamAsync(IReadOnlyList<string> protocols, CancellationToken cancellationToken = default) =>
        _swarm.OpenStreamAsync(this, protocols, cancellationToken);

    /// <inheritdoc/>
    public override string ToString() => $"{Peer} at {Connection.RemoteAddress}";

    /// <summary>Whether the peer has said who it is, and so what it speaks.</summary>
    internal bool IsIdentified => _info != Unknown;

    /// <summary>What the peer said before it closed the link, or null.</summary>
    internal LinkFrame.Goodbye? Goodbye { get; set; }

    /// <summary>Whether the peer is not told why this side closes.</summary>
    internal bool ClosesSilently { get; set; }

    internal bool Speaks(string protocol) => _protocols.Contains(protocol);

    internal void Tell(PeerInfo info)
    {
        _info = info;
        _protocols = info.Protocols.ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Addresses by which somebody here asked for this link, without peer id; the first 16.</summary>
    internal IReadOnlyList<Multiaddr> AskedAt => _askedAt;

    internal void Asked(IReadOnlyList<Multiaddr> addresses)
    {
        lock (_gate) _askedAt = [.. _askedAt.Concat(addresses.Select(address => address.WithoutPeerId())).Distinct().Take(MaxAskedAt)];
    }

    internal void SetReady() => _ready.TrySetResult(true);

    internal void SetGone()
    {
        _ready.TrySetResult(false);
        _gone.TrySetResult();
    }

    internal void AddRoundTrip(TimeSpan time)
    {
        lock (_gate) _estimator.Add(time);
        _swarm.CountRoundTrip(time);
    }

    internal bool TryBeginNegotiation(int max)
    {
        if (Interlocked.Increment(ref _negotiating) <= max) return true;
        EndNegotiation();
        return false;
    }

    internal void EndNegotiation() => Interlocked.Decrement(ref _negotiating);

    internal bool TryEnter(string protocol, int max)
    {
        lock (_gate)
        {
            var count = _inbound.GetValueOrDefault(protocol);
            if (count >= max) return false;
            _inbound[protocol] = count + 1;
            return true;
        }
    }

    internal void Leave(string protocol)
    {
        lock (_gate)
        {
            if (--_inbound[protocol] == 0) _inbound.Remove(protocol);
        }
    }
}
