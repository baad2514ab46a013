using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <content>Readiness: whether the applications at both ends of the links are ready to begin.</content>
public sealed partial class Swarm
{
    private bool _isReady;
    private TaskCompletionSource _readinessPulse = NewPulse();

    /// <summary>Whether this side's application has said that it is ready.</summary>
    public bool IsReady => Volatile.Read(ref _isReady);

    /// <summary>Says to every peer, now and on later links, whether this side's application is ready.</summary>
    /// <param name="ready">False takes it back.</param>
    /// <param name="cancellationToken">Ends the wait; the peers are told all the same.</param>
    /// <returns>Completes when the peers of all ready links were told. Those that know no link control are passed over.</returns>
    public Task MarkReadyAsync(bool ready = true, CancellationToken cancellationToken = default)
    {
        Volatile.Write(ref _isReady, ready);
        return Task.WhenAll(_ready.Values.Select(TellReadinessAsync)).WaitAsync(cancellationToken);
    }

    /// <summary>Says in the place of a peer that it is ready; for peers that cannot say it themselves. Ends with the link.</summary>
    /// <returns>False when there is no link to the peer.</returns>
    public async Task<bool> MarkPeerReadyAsync(PeerId peer, bool ready = true) => await RunAsync(() =>
    {
        if (_ready.GetValueOrDefault(peer) is not { } link) return false;
        SetPeerReady(link, ready);
        return true;
    });

    /// <summary>Waits until peers are linked and ready.</summary>
    /// <param name="peers">Whom to wait for; null waits for all direct neighbours, of which there must be at least one.</param>
    /// <param name="timeout">For how long; null waits for ever.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">Not all were ready in time; the message names those that were not.</exception>
    public async Task WaitForReadyAsync(IReadOnlyCollection<PeerId>? peers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        using var time = new CancellationTokenSource(timeout ?? Timeout.InfiniteTimeSpan, Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, _stopping.Token, cancellationToken);
        while (true)
        {
            // The pulse is taken before the look, so that no change between the two is missed.
            var change = Volatile.Read(ref _readinessPulse).Task;
            var missing = NotReady(peers);
            if (missing is { Count: 0 }) return;
            try
            {
                await change.WaitAsync(either.Token);
            }
            catch (OperationCanceledException over) when (!cancellationToken.IsCancellationRequested)
            {
                if (_stopping.IsCancellationRequested) throw new StarlingException("This node is stopping.");
                var whom = missing is null ? "there is no direct neighbour" : $"not ready: {string.Join(", ", missing.Take(8))}{(missing.Count > 8 ? $" and {missing.Count - 8} more" : "")}";
                throw new TimeoutException($"The peers were not ready within {timeout!.Value.TotalSeconds:0.###} s; {whom}.", over);
            }
        }
    }

    /// <summary>Who is not ready of those that are asked for; null when all neighbours are asked for and there are none.</summary>
    private List<PeerId>? NotReady(IReadOnlyCollection<PeerId>? peers)
    {
        if (peers is not null) return [.. peers.Where(peer => FindLink(peer) is not { IsPeerReady: true })];
        var neighbours = _ready.Values.Where(link => link.Kind == LinkKind.Direct).ToList();
        return neighbours.Count == 0 ? null : [.. neighbours.Where(link => !link.IsPeerReady).Select(link => link.Peer)];
    }

    private Task TellReadinessAsync(PeerLink link)
    {
        if (!link.Speaks(LinkFrameCodec.Protocol)) return Task.CompletedTask;
        return SpeakAsync(
            link,
            () =>
            {
                if (_ready.GetValueOrDefault(link.Peer) != link || link.Control.ToldReady == IsReady) return [];
                link.Control.ToldReady = IsReady;
                return [new LinkFrame.Readiness(IsReady)];
            },
            CancellationToken.None);
    }

    private void SetPeerReady(PeerLink link, bool ready)
    {
        if (_ready.GetValueOrDefault(link.Peer) != link || link.IsPeerReady == ready) return;
        link.IsPeerReady = ready;
        foreach (var observer in _observers) Tell(observer, each => each.OnReadinessChanged(link));
        PulseReadiness();
    }

    private void PulseReadiness() => Interlocked.Exchange(ref _readinessPulse, NewPulse()).SetResult();

    private static TaskCompletionSource NewPulse() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
