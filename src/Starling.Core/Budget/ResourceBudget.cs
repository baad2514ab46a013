using System.Net;

namespace Starling;

/// <summary>The one place where a node counts what peers can make it hold, as a whole and for each peer and address. Taking and giving back is lock-free; safe for all threads.</summary>
/// <remarks>Acquire before allocating; a refusal has a counter (<see cref="Refused(ResourceKind)"/>) and a named outcome at the caller.</remarks>
public sealed class ResourceBudget : IResourceBudget
{
    private static readonly IpPrefix Loopback6 = IpPrefix.Of(IPAddress.IPv6Loopback);
    private static readonly IpPrefix LinkLocal6 = IpPrefix.Parse("fe80::/10");

    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, ResourceAccount> _peers = [];
    private readonly Dictionary<IpPrefix, ResourceAccount> _addresses = [];
    private readonly long[] _perPeer;
    private readonly long[] _perAddress;
    private readonly long[] _perLoopback;
    private readonly long[] _refused = new long[ResourceAccount.Kinds * 3];

    /// <summary>Creates a budget with the given limits, or the defaults.</summary>
    /// <exception cref="ArgumentException">A limit is out of range; the message names it.</exception>
    public ResourceBudget(ResourceBudgetOptions? options = null)
    {
        options ??= new ResourceBudgetOptions();
        OptionProblems.ThrowIfAny(options.Scopes);
        var scopes = options.Scopes;
        Node = new ResourceAccount(
        [
            Positive(options.MaxHandshakes, nameof(options.MaxHandshakes)), Positive(options.MaxLinks, nameof(options.MaxLinks)), Positive(options.MaxStreams, nameof(options.MaxStreams)),
            Positive(options.MaxWindowBytes, nameof(options.MaxWindowBytes)), Positive(options.MaxQueueBytes, nameof(options.MaxQueueBytes)),
        ]);
        _perPeer = [long.MaxValue, scopes.MaxLinksPerPeer, scopes.MaxOpenStreamsPerPeer, scopes.MaxWindowBytesPerPeer, scopes.MaxQueueBytesPerPeer];
        _perAddress = [scopes.MaxHandshakesPerAddress, scopes.MaxLinksPerAddress, long.MaxValue, long.MaxValue, long.MaxValue];
        _perLoopback = [scopes.MaxHandshakesFromLoopback, scopes.MaxLinksFromLoopback, long.MaxValue, long.MaxValue, long.MaxValue];
    }

    /// <summary>Peers and addresses that have counts now: those with an open scope.</summary>
    public int ScopeCount
    {
        get { lock (_gate) return _peers.Count + _addresses.Count; }
    }

    /// <summary>What every address of this machine itself counts as.</summary>
    internal static IpPrefix Loopback { get; } = IpPrefix.Parse("127.0.0.0/8");

    internal ResourceAccount Node { get; }

    /// <summary>Opens a scope: what is taken through it counts for the peer, for the address and for the node.</summary>
    /// <param name="peer">Who, or null when nobody knows.</param>
    /// <param name="address">Where; null, and what has no IP address, has no limits of an address.</param>
    /// <returns>Dispose it when what was taken through it is given back.</returns>
    public ResourceScope Open(PeerId? peer, Multiaddr? address = null)
    {
        IpPrefix? place = address is not null && address.TryGetIPAddress(out var ip) ? PlaceOf(ip) : null;
        lock (_gate)
        {
            return new ResourceScope(
                this,
                peer,
                peer is null ? null : Enter(_peers, peer, _perPeer),
                place,
                place is not { } at ? null : Enter(_addresses, at, at == Loopback ? _perLoopback : _perAddress));
        }
    }

    /// <inheritdoc/>
    public bool TryAcquire(ResourceKind kind, long amount = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        if (Node.TryAcquire(kind, amount)) return true;
        CountRefusal(kind, ResourceLevel.Node);
        return false;
    }

    /// <inheritdoc/>
    public void Release(ResourceKind kind, long amount = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        Node.Release(kind, amount);
    }

    /// <summary>The amount in use.</summary>
    public long Used(ResourceKind kind) => Node.Used(kind);

    /// <summary>The amount that a peer has in use.</summary>
    public long Used(ResourceKind kind, PeerId peer)
    {
        lock (_gate) return _peers.TryGetValue(peer, out var account) ? account.Used(kind) : 0;
    }

    /// <summary>The amount that everybody at an address has in use, at all that counts as the same address.</summary>
    public long Used(ResourceKind kind, IPAddress address)
    {
        lock (_gate) return _addresses.TryGetValue(PlaceOf(address), out var account) ? account.Used(kind) : 0;
    }

    /// <summary>The node's limit.</summary>
    public long Limit(ResourceKind kind) => Node.Limit(kind);

    /// <summary>The limit of each peer; <see cref="long.MaxValue"/> where there is none.</summary>
    public long LimitPerPeer(ResourceKind kind) => _perPeer[(int)kind];

    /// <summary>The limit of an address; <see cref="long.MaxValue"/> where there is none.</summary>
    public long LimitPerAddress(ResourceKind kind, IPAddress address) => (PlaceOf(address) == Loopback ? _perLoopback : _perAddress)[(int)kind];

    /// <summary>How often an acquire was refused.</summary>
    public long Refused(ResourceKind kind) => Enum.GetValues<ResourceLevel>().Sum(level => Refused(kind, level));

    /// <summary>How often an acquire was refused by the limits of one level.</summary>
    public long Refused(ResourceKind kind, ResourceLevel level) => Interlocked.Read(ref _refused[((int)level * ResourceAccount.Kinds) + (int)kind]);

    internal static string OptionOf(ResourceKind kind, ResourceLevel level, bool isLoopback) => (kind, level, isLoopback) switch
    {
        (ResourceKind.Handshakes, ResourceLevel.Address, false) => nameof(ScopeLimits.MaxHandshakesPerAddress),
        (ResourceKind.Handshakes, ResourceLevel.Address, true) => nameof(ScopeLimits.MaxHandshakesFromLoopback),
        (ResourceKind.Links, ResourceLevel.Address, false) => nameof(ScopeLimits.MaxLinksPerAddress),
        (ResourceKind.Links, ResourceLevel.Address, true) => nameof(ScopeLimits.MaxLinksFromLoopback),
        (ResourceKind.Links, ResourceLevel.Peer, _) => nameof(ScopeLimits.MaxLinksPerPeer),
        (ResourceKind.Streams, ResourceLevel.Peer, _) => nameof(ScopeLimits.MaxOpenStreamsPerPeer),
        (ResourceKind.WindowBytes, ResourceLevel.Peer, _) => nameof(ScopeLimits.MaxWindowBytesPerPeer),
        (ResourceKind.QueueBytes, ResourceLevel.Peer, _) => nameof(ScopeLimits.MaxQueueBytesPerPeer),
        _ => $"Max{kind}",
    };

    internal void CountRefusal(ResourceKind kind, ResourceLevel level) => Interlocked.Increment(ref _refused[((int)level * ResourceAccount.Kinds) + (int)kind]);

    internal void Close(ResourceScope scope)
    {
        lock (_gate)
        {
            if (scope.Peer is { } peer) Leave(_peers, peer);
            if (scope.Address is { } address) Leave(_addresses, address);
        }
    }

    /// <summary>Whoever has an IPv6 address has its /64; link-local addresses of one network all have the same.</summary>
    private static IpPrefix PlaceOf(IPAddress address)
    {
        var whole = IpPrefix.Of(address);
        if (Loopback.Contains(whole) || whole == Loopback6) return Loopback;
        return whole.IsIPv4 || LinkLocal6.Contains(whole) ? whole : whole.Shorten(64);
    }

    private static ResourceAccount Enter<TKey>(Dictionary<TKey, ResourceAccount> accounts, TKey key, long[] limits)
        where TKey : notnull
    {
        if (!accounts.TryGetValue(key, out var account)) accounts.Add(key, account = new ResourceAccount(limits));
        account.References++;
        return account;
    }

    private static void Leave<TKey>(Dictionary<TKey, ResourceAccount> accounts, TKey key)
        where TKey : notnull
    {
        if (--accounts[key].References == 0) accounts.Remove(key);
    }

    private static long Positive(long limit, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit, name);
        return limit;
    }
}
