using Starling.Protocols.Links;
using Starling.Protocols.Links.Policy;

namespace Starling.Net.Links;

/// <content>What the user asks for and may look at.</content>
public sealed partial class LinkManager
{
    private readonly List<Waiter> _waiters = [];

    /// <summary>The standing of every ready link: its kind, and why it is there.</summary>
    public IReadOnlyList<LinkStanding> Links
    {
        get { lock (_gate) return [.. _core.Links]; }
    }

    /// <summary>Whether a lost link is being made again.</summary>
    public bool IsReconnecting
    {
        get { lock (_gate) return _core.IsReconnecting; }
    }

    /// <summary>Peers that are left alone for a while: given up, or parted from. Discoveries do not make the node dial them; its user may.</summary>
    public IReadOnlyList<RecentPeer> RecentlyDisconnected
    {
        get { lock (_gate) return _core.RecentAt(Now); }
    }

    /// <summary>Empties the list of the recently disconnected: whoever is on it may be dialled again.</summary>
    public void ForgetRecentlyDisconnected() => Decide((now, effects) => _core.ForgetRecent(now, effects));

    /// <summary>The standing of the link to a peer, or null when there is none.</summary>
    public LinkStanding? Find(PeerId peer)
    {
        lock (_gate) return _core.Find(peer);
    }

    /// <summary>Stays linked to a peer from now on: dials it until it is linked, and again when the link is lost. Returns at once.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="addresses">Where; null or empty takes what the peer book knows and discoveries find.</param>
    /// <param name="options">How; the defaults when null.</param>
    /// <exception cref="ArgumentException">The peer is this node, or a limit is below 1.</exception>
    public void Keep(PeerId peer, IReadOnlyList<Multiaddr>? addresses = null, LinkKeepOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(peer);
        KeepTarget(peer, Plain(addresses ?? []), options);
    }

    /// <summary>Stays linked to whoever is at an address, or to the peer that the address names.</summary>
    /// <inheritdoc cref="Keep(PeerId, IReadOnlyList{Multiaddr}?, LinkKeepOptions?)"/>
    public void Keep(Multiaddr address, LinkKeepOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        KeepTarget(address.PeerId, [address.WithoutPeerId()], options);
    }

    /// <summary>No longer stays linked to a peer. A link that is there stays, as one like any other.</summary>
    /// <returns>Whether it was to be kept.</returns>
    public bool Release(PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return ReleaseTarget(peer, []);
    }

    /// <summary>No longer stays linked to whoever is at an address.</summary>
    /// <inheritdoc cref="Release(PeerId)"/>
    public bool Release(Multiaddr address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return ReleaseTarget(address.PeerId, [address.WithoutPeerId()]);
    }

    /// <summary>Keeps the link to a peer from being pruned or closed as unused until every tag that protects it is taken back.</summary>
    public void Protect(PeerId peer, string tag) => Decide((_, _) => _core.Protect(peer, tag));

    /// <summary>Takes back a protection.</summary>
    /// <returns>Whether the peer is still protected by another tag.</returns>
    public bool Unprotect(PeerId peer, string tag)
    {
        var still = false;
        Decide((now, effects) => still = _core.Unprotect(peer, tag, now, effects));
        return still;
    }

    /// <summary>Gives a peer a weight under a tag, in place of the one it had; 0 takes it away. The greater the sum, the later it is pruned.</summary>
    public void Tag(PeerId peer, string tag, int weight) => Decide((_, _) => _core.Tag(peer, tag, weight));

    /// <summary>Says how well the link to a peer does: 1 is well, 0 is as good as dead. Between equals the healthier link is kept.</summary>
    public void SetHealth(PeerId peer, double health) => Decide((_, _) => _core.SetHealth(peer, health));

    /// <summary>Waits until links are there. Asks nobody again and again: it is told.</summary>
    /// <param name="goal">Which links.</param>
    /// <param name="timeout">For how long at most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">They are not there in time; the message says what is missing.</exception>
    /// <exception cref="StarlingException">The node is stopping.</exception>
    public async Task WaitForNeighboursAsync(NeighbourGoal goal, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(goal);
        var waiter = new Waiter(goal, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_gate)
        {
            if (_isStopped) throw Stopped();
            if (goal.IsMet(_core)) return;
            _waiters.Add(waiter);
        }

        try
        {
            await waiter.End.Task.WaitAsync(timeout, _wiring.Clock, cancellationToken);
        }
        catch (TimeoutException late)
        {
            string missing;
            lock (_gate) missing = goal.Missing(_core);
            throw new TimeoutException($"After {timeout.TotalSeconds:0.###} s {missing}.", late);
        }
        finally
        {
            lock (_gate) _waiters.Remove(waiter);
        }
    }

    private void KeepTarget(PeerId? peer, IReadOnlyList<Multiaddr> addresses, LinkKeepOptions? options)
    {
        options ??= new LinkKeepOptions();
        var known = addresses;
        if (peer is not null && _wiring.Book is { } book)
        {
            if (addresses.Count > 0) book.Add(peer, addresses, AddressSource.User);
            known = [.. addresses.Concat(book.Find(peer)?.Addresses.Select(one => one.Address) ?? []).Distinct()];
        }

        Decide((now, effects) => _core.Keep(peer, known, options, now, effects));
        if (peer is null || _host.Find(peer) is not { } link) return;
        link.Priority = options.Priority ?? link.Priority;
        if (link.Kind == LinkKind.Transient) _tasks.Run(() => MakeDirectAsync(link));
    }

    /// <summary>Whom the user keeps is a neighbour, also when the link began as a transient one.</summary>
    private async Task MakeDirectAsync(IPeerLink link)
    {
        try
        {
            await _host.ConnectAsync(link.Peer, [link.Connection.RemoteAddress], LinkKind.Direct, _stopping.Token);
        }
        catch (Exception error) when (error is StarlingException or OperationCanceledException)
        {
            LinkPolicyLog.StaysTransient(_logger, link.Peer, error);
        }
    }

    private bool ReleaseTarget(PeerId? peer, IReadOnlyList<Multiaddr> addresses)
    {
        var was = false;
        Decide((now, effects) => was = _core.Release(peer, addresses, now, effects));
        return was;
    }

    private static IReadOnlyList<Multiaddr> Plain(IReadOnlyList<Multiaddr> addresses) => [.. addresses.Select(one => one.WithoutPeerId())];

    private void TellWaiters()
    {
        foreach (var met in _waiters.Where(one => one.Goal.IsMet(_core)).ToList())
        {
            _waiters.Remove(met);
            met.End.TrySetResult();
        }
    }

    private sealed record Waiter(NeighbourGoal Goal, TaskCompletionSource End);
}
