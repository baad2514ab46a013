using System.Threading.Channels;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <content>The loop: events in, effects out. What is declared here is touched by the loop alone.</content>
public sealed partial class Swarm
{
    private readonly List<LinkEffect> _effects = [];
    private readonly Dictionary<LinkId, PeerLink> _links = [];
    private readonly Dictionary<DialId, DialRequest> _requests = [];
    private readonly List<ILinkObserver> _observers = [];

    /// <inheritdoc/>
    public IDisposable Observe(ILinkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        Post(() =>
        {
            _observers.Add(observer);
            foreach (var link in _ready.Values)
            {
                Tell(observer, each => each.OnConnected(link));
                if (link.IsPeerReady) Tell(observer, each => each.OnReadinessChanged(link));
            }
        });
        return new Observation(this, observer);
    }

    private async Task LoopAsync()
    {
        await foreach (var next in _events.Reader.ReadAllAsync())
        {
            Turn(next);
            var now = Clock.Now();
            if (_core.NextDeadline <= now) Turn(() => _core.Tick(now, _effects));
            var wait = _core.NextDeadline == Instant.Never ? Timeout.InfiniteTimeSpan : _core.NextDeadline - now;
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private void OnTimer() => Post(static () => { });

    private void Turn(Action what)
    {
        Guard(what);
        foreach (var effect in _effects) Guard(() => CarryOut(effect));
        _effects.Clear();
    }

    private void Guard(Action what)
    {
        try
        {
            what();
        }
        catch (Exception error)
        {
            LinksLog.LoopFault(_logger, error);
        }
    }

    /// <summary>Queues an event; waits while the queue is full.</summary>
    /// <returns>False when the swarm has stopped.</returns>
    private async ValueTask<bool> PostAsync(Action what)
    {
        try
        {
            await _events.Writer.WriteAsync(what);
            return true;
        }
        catch (ChannelClosedException)
        {
            return false;
        }
    }

    /// <summary>Queues an event from where nothing can wait.</summary>
    private void Post(Action what)
    {
        if (!_events.Writer.TryWrite(what)) _tasks.Run(async () => await PostAsync(what));
    }

    private void CarryOut(LinkEffect effect)
    {
        switch (effect)
        {
            case LinkEffect.BeginDial begin:
                var dialling = _requests[begin.Dial];
                _tasks.Run(() => DialAsync(dialling));
                break;
            case LinkEffect.CompleteDial complete:
                if (_requests.Remove(complete.Dial, out var done)) Complete(done, _links[complete.Link]);
                break;
            case LinkEffect.FailDial fail:
                if (_requests.Remove(fail.Dial, out var failed)) Fail(failed, fail.Failure, fail.Message);
                break;
            case LinkEffect.Adopt adopt:
                var adopted = _links[adopt.Link];
                _tasks.Run(() => AcceptStreamsAsync(adopted));
                _tasks.Run(() => IdentifyAsync(adopted));
                break;
            case LinkEffect.Connected connected:
                OnConnected(_links[connected.Link]);
                break;
            case LinkEffect.Disconnected disconnected:
                OnDisconnected(_links[disconnected.Link], disconnected.Why);
                break;
            case LinkEffect.Close close:
                var closing = _links[close.Link];
                _tasks.Run(() => PartAsync(closing, close.Why));
                break;
            case LinkEffect.Probe probe:
                var probed = _links[probe.Link];
                _tasks.Run(() => ProbeAsync(probed));
                break;
        }
    }

    private async Task AddLinkAsync(IConnection connection, DialRequest? dial)
    {
        var refusal = connection.RemotePeer.Equals(LocalPeer) ? null : RefuseLink(connection);
        var scope = _budget.Open(connection.RemotePeer, connection.RemoteAddress);
        if (refusal is null && !scope.TryAcquire(ResourceKind.Links, 1, out var refusedBy))
        {
            refusal = new LinkRefusal(CloseReason.BudgetExceeded, scope.Explain(ResourceKind.Links, refusedBy));
        }

        if (refusal is not null)
        {
            scope.Dispose();
            var why = $"This node refuses the link to {connection.RemotePeer} ({refusal.Reason}): {refusal.Detail}";
            if (dial is not null) await PostAsync(() => _core.DialFailed(dial.Id, HandshakeFailure.RefusedLocally, why, _effects));
            await TurnAwayAsync(connection, new CloseInfo(refusal.Reason, refusal.Detail));
            return;
        }

        var link = new PeerLink(this, new LinkId(Interlocked.Increment(ref _lastId)), connection, _options, Clock)
        {
            Kind = dial?.Kind ?? LinkKind.Direct,
        };
        var posted = await PostAsync(() =>
        {
            _metrics.Opened(connection.Direction);
            _links.Add(link.Id, link);
            _core.LinkUp(link.Id, link.Peer, dial?.Id, Clock.Now(), _effects);
        });
        if (!posted)
        {
            Release(scope);
            await CloseAsync(connection, new CloseInfo(CloseReason.NodeStopping));
            return;
        }

        _tasks.Run(() => WatchAsync(link, scope));
    }

    private async Task WatchAsync(PeerLink link, ResourceScope scope)
    {
        var why = Explain(link, await link.Connection.Closed);
        Release(scope);
        await PostAsync(() =>
        {
            Turn(() => _core.LinkDown(link.Id, why, Clock.Now(), _effects));
            _links.Remove(link.Id);
            _metrics.Closed(why.Reason);
            if (!link.Ready.IsCompleted) LinksLog.LinkRefused(_logger, link.Peer, why);
            link.SetGone();
        });
    }

    private static void Release(ResourceScope scope)
    {
        scope.Release(ResourceKind.Links);
        scope.Dispose();
    }

    private async Task CloseAsync(IConnection connection, CloseInfo why)
    {
        using var time = new CancellationTokenSource(_options.CloseTimeout, Clock);
        using var hard = CancellationTokenSource.CreateLinkedTokenSource(time.Token, _cutting.Token);
        try
        {
            await connection.CloseAsync(why, hard.Token);
        }
        catch (OperationCanceledException) when (hard.IsCancellationRequested)
        {
            await connection.DisposeAsync();
        }
    }

    private async Task ProbeAsync(PeerLink link)
    {
        var alive = true;
        try
        {
            using var time = new CancellationTokenSource(_options.ProbeTimeout, Clock);
            await link.Connection.PingAsync(time.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or ConnectionClosedException)
        {
            alive = false;
        }

        await PostAsync(() => _core.ProbeEnded(link.Id, alive, Clock.Now(), _effects));
    }

    private void OnConnected(PeerLink link)
    {
        _ready[link.Peer] = link;
        _metrics.Ready(1);
        if (link.Speaks(LinkFrameCodec.Protocol)) link.Control.Kinds = new LinkKindCore(LocalPeer.CompareTo(link.Peer) < 0, link.Kind);
        var connection = link.Connection;
        LinksLog.Connected(_logger, link.Peer, link.Info.AgentVersion, connection.RemoteAddress, connection.Direction, connection.Security);
        foreach (var observer in _observers) Tell(observer, each => each.OnConnected(link));
        link.SetReady();
        PulseReadiness();
        if (IsReady) _tasks.Run(() => TellReadinessAsync(link));
        if (link.Told != 0 && link.Told != Volatile.Read(ref _description)) _changed.Release();
    }

    private void OnDisconnected(PeerLink link, CloseInfo why)
    {
        _ready.TryRemove(KeyValuePair.Create(link.Peer, link));
        _metrics.Ready(-1);
        link.Control.Answer?.TrySetException(new ConnectionClosedException(why));
        _ = link.Control.Answer?.Task.Exception; // Observed, also when nobody waits for the answer any more.
        PulseReadiness();
        LinksLog.Disconnected(_logger, link.Peer, why);
        foreach (var observer in _observers) Tell(observer, each => each.OnDisconnected(link, why));
    }

    private void OnIdentified(PeerLink link)
    {
        if (_ready.GetValueOrDefault(link.Peer) != link) return;
        foreach (var observer in _observers) Tell(observer, each => each.OnIdentified(link));
    }

    private void Tell(ILinkObserver observer, Action<ILinkObserver> what)
    {
        try
        {
            what(observer);
        }
        catch (Exception error)
        {
            LinksLog.ObserverFailed(_logger, error);
        }
    }

    private sealed class Observation(Swarm swarm, ILinkObserver observer) : IDisposable
    {
        public void Dispose() => swarm.Post(() => swarm._observers.Remove(observer));
    }
}
