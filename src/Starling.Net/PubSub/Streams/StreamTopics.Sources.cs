using Starling.Net.Links;
using Starling.Protocols.Streams;

namespace Starling.Net.PubSub.Streams;

/// <content>Whose logs may be asked, and who is told of losses.</content>
internal sealed partial class StreamTopics
{
    private readonly SourceWatch _sourceWatch = new();
    private readonly IDisposable _sources;
    private readonly Lock _observerGate = new();
    private Action<MissedMessages>[] _observers = [];

    /// <summary>Neighbours to ask in turn: who brought what showed the gap, the origin, those who follow the topic, then any other that keeps logs.</summary>
    public IReadOnlyList<IPeerLink> SourcesOf(Topic topic, PeerId? bringer, PeerId? origin)
    {
        var order = new List<PeerId>();
        if (bringer is not null) order.Add(bringer);
        if (origin is not null) order.Add(origin);
        order.AddRange(Wire.Followers(topic.Wire));
        order.AddRange(_host.Links.Select(link => link.Peer));
        return
        [
            .. order
                .Distinct()
                .Where(peer => !peer.Equals(Wire.LocalPeer) && IsMember(topic, peer))
                .Select(_host.Find)
                .OfType<IPeerLink>()
                .Where(link => link.Info.Protocols.Contains(ReplayCodec.Protocol))
                .Take(Options.MaxReplaySources),
        ];
    }

    /// <summary>Completes when there is a neighbour to ask, or none has come in time.</summary>
    public async Task WaitForSourceAsync(Topic topic)
    {
        var deadline = Clock.Now() + Options.JoinTimeout;
        try
        {
            while (true)
            {
                var changed = _sourceWatch.Changed;
                if (SourcesOf(topic, null, null).Count > 0) return;
                var left = deadline - Clock.Now();
                if (left <= TimeSpan.Zero) return;
                await changed.WaitAsync(left, Clock, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            _setting.Log.NoSource(topic.Name);
        }
    }

    /// <summary>Adds an observer of losses; called one at a time, in order, on a thread of the pool.</summary>
    public IDisposable Observe(Action<MissedMessages> observer)
    {
        lock (_observerGate) _observers = [.. _observers, observer];
        return new Observation(() =>
        {
            lock (_observerGate) _observers = [.. _observers.Where(other => other != observer)];
        });
    }

    /// <summary>Tells of a loss. When the line is full, the counters alone tell.</summary>
    public void Tell(MissedMessages loss)
    {
        var observers = Volatile.Read(ref _observers);
        if (observers.Length == 0) return;
        if (!Losses.TryPost(() => Array.ForEach(observers, observer => observer(loss)))) _setting.Log.LossUntold(loss.Count);
    }

    /// <summary>Tells that an origin's clock went back, and that its messages are dropped.</summary>
    public void TellStale(Topic topic, PeerId origin) => _setting.Log.OriginWentBack(origin, topic.Name);

    private sealed class SourceWatch : ILinkObserver
    {
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Changed => Volatile.Read(ref _changed).Task;

        public void OnConnected(IPeerLink link) => Pulse();

        public void OnIdentified(IPeerLink link) => Pulse();

        public void OnDisconnected(IPeerLink link, CloseInfo why)
        {
        }

        private void Pulse() => Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    private sealed class Observation(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
