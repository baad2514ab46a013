using System.Globalization;

namespace Starling;

/// <summary>A node's budget as one peer, one address, or one peer at one address may use it: what is taken counts for each of them and for the node, or for none. Safe for all threads.</summary>
/// <remarks>Scopes of one peer or address share their counts. Release what was taken, then dispose: the counts of a peer or address are freed with its last scope.</remarks>
public sealed class ResourceScope : IResourceBudget, IDisposable
{
    private readonly ResourceBudget _budget;
    private readonly ResourceAccount? _peerAccount;
    private readonly ResourceAccount? _addressAccount;
    private int _isDisposed;

    internal ResourceScope(ResourceBudget budget, PeerId? peer, ResourceAccount? peerAccount, IpPrefix? address, ResourceAccount? addressAccount) =>
        (_budget, Peer, _peerAccount, Address, _addressAccount) = (budget, peer, peerAccount, address, addressAccount);

    /// <summary>The peer, or null.</summary>
    public PeerId? Peer { get; }

    /// <summary>What counts as the address, or null.</summary>
    public IpPrefix? Address { get; }

    /// <inheritdoc/>
    public bool TryAcquire(ResourceKind kind, long amount = 1) => TryAcquire(kind, amount, out _);

    /// <summary>Takes an amount for the peer, the address and the node, or for none of them and counts the refusal.</summary>
    /// <param name="kind">Of what.</param>
    /// <param name="amount">How much; not negative.</param>
    /// <param name="refusedBy">Whose limit refused, when it returns false.</param>
    public bool TryAcquire(ResourceKind kind, long amount, out ResourceLevel refusedBy)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        refusedBy = ResourceLevel.Peer;
        if (_peerAccount?.TryAcquire(kind, amount) != false)
        {
            refusedBy = ResourceLevel.Address;
            if (_addressAccount?.TryAcquire(kind, amount) != false)
            {
                refusedBy = ResourceLevel.Node;
                if (_budget.Node.TryAcquire(kind, amount)) return true;
                _addressAccount?.Release(kind, amount);
            }

            _peerAccount?.Release(kind, amount);
        }

        _budget.CountRefusal(kind, refusedBy);
        return false;
    }

    /// <inheritdoc/>
    public void Release(ResourceKind kind, long amount = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        _budget.Node.Release(kind, amount);
        _addressAccount?.Release(kind, amount);
        _peerAccount?.Release(kind, amount);
    }

    /// <summary>A sentence for people that says which limit refused and what it is.</summary>
    public string Explain(ResourceKind kind, ResourceLevel level)
    {
        var (account, whose) = level switch
        {
            ResourceLevel.Peer => (_peerAccount, $"with {Peer}"),
            ResourceLevel.Address => (_addressAccount, Address == ResourceBudget.Loopback ? "with this machine" : $"with {Address}"),
            _ => (null, "in this node"),
        };
        var limit = (account ?? _budget.Node).Limit(kind);
        return string.Create(CultureInfo.InvariantCulture, $"There are {limit} {Name(kind)} {whose}, the most that is allowed ({ResourceBudget.OptionOf(kind, level, Address == ResourceBudget.Loopback)}).");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0) _budget.Close(this);
    }

    private static string Name(ResourceKind kind) => kind switch
    {
        ResourceKind.Handshakes => "handshakes under way",
        ResourceKind.Links => "links",
        ResourceKind.Streams => "streams",
        ResourceKind.WindowBytes => "window bytes",
        _ => "bytes in queues",
    };
}
