using Starling.Net.Links;
using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <content>Neighbours follow the links. What the host says is noted at once and never waits; the loop brings its neighbours in line before its next turn.</content>
public sealed partial class SpreadService
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, IPeerLink> _links = [];
    private readonly HashSet<PeerId> _changedLinks = [];
    private readonly Dictionary<PeerId, SpreadNeighbour> _neighbours = [];
    private readonly List<SpreadNeighbour> _departing = [];

    /// <summary>This one speaks no spread after all.</summary>
    internal ValueTask<bool> RemoveAsync(SpreadNeighbour neighbour) => RunAsync(() =>
    {
        if (_neighbours.TryGetValue(neighbour.Id, out var present) && ReferenceEquals(present, neighbour)) Remove(neighbour);
        return true;
    });

    private async Task ServeAsync(IStream stream, CancellationToken cancellationToken)
    {
        var from = stream.Connection.RemotePeer;
        stream.Priority = StreamPriority.Control;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
            await RunAsync(() => Attach(from)).ConfigureAwait(false);
            try
            {
                await new SpreadReader(from, stream, this).RunAsync(either.Token).ConfigureAwait(false);
            }
            finally
            {
                await RunAsync(() => Detach(from)).ConfigureAwait(false);
            }
        }
        catch (ObjectDisposedException) when (Volatile.Read(ref _stopping) != 0)
        {
            Log.CameAfterStop("a stream");
            stream.Reset();
        }
    }

    /// <summary>One frame of a neighbour. Fills what is left to be verified.</summary>
    internal bool Receive(PeerId from, SpreadFrame frame, List<SpreadItem> unverified)
    {
        var now = Clock.Now();
        _unverified = unverified;
        foreach (var item in frame.Items) _core.Receive(from, item, now, _effects);
        foreach (var reply in frame.Replies) _core.ReceiveReply(from, reply, now, _effects);
        if (frame.Have.Count > 0) _core.ReceiveHave(from, frame.Have, now, _effects);
        if (frame.Want.Count > 0) _core.ReceiveWant(from, frame.Want, now, _effects);
        return true;
    }

    /// <summary>The signatures of these items hold; those were refused.</summary>
    internal bool Accept(PeerId from, List<SpreadItem> verified, List<SpreadRefusal> refused)
    {
        var now = Clock.Now();
        foreach (var item in verified) _core.Accept(from, item, now, _effects);
        foreach (var why in refused)
        {
            _core.Refuse(why);
            Tell(from, 0, why);
        }

        return true;
    }

    /// <summary>A peer's stream has come: it is a neighbour, whatever identify said.</summary>
    private bool Attach(PeerId id)
    {
        if (_neighbours.ContainsKey(id)) return true;
        IPeerLink? link;
        lock (_gate) _links.TryGetValue(id, out link);
        Add(id, link);
        return true;
    }

    /// <summary>A peer's stream has ended. Without a link, nothing is left of it.</summary>
    private bool Detach(PeerId id)
    {
        if (_neighbours.TryGetValue(id, out var neighbour) && neighbour.Link is null) Remove(neighbour);
        return true;
    }

    private void Note(IPeerLink link, bool linked)
    {
        lock (_gate)
        {
            if (linked) _links[link.Peer] = link;
            else if (_links.TryGetValue(link.Peer, out var known) && ReferenceEquals(known, link)) _links.Remove(link.Peer);
            else return;
            _changedLinks.Add(link.Peer);
        }

        Wake();
    }

    /// <summary>Makes the loop look. With a full line it is awake, and looks before its next turn.</summary>
    private void Wake() => _turns.TryPost(() => Turn(static () => true));

    private void Reconcile()
    {
        (PeerId Id, IPeerLink? Link)[] changes = [];
        lock (_gate)
        {
            (_core.Relay, _core.RelayUnknownKinds, _core.KeepsItems) = (_relay, _relayUnknown, _keepsItems);
            foreach (var kind in _changedKinds) _core.SetKind(kind, RulesOf(kind));
            _changedKinds.Clear();
            ReconcileWithdrawn();
            if (_changedLinks.Count > 0) changes = [.. _changedLinks.Select(id => (id, _links.GetValueOrDefault(id)))];
            _changedLinks.Clear();
        }

        foreach (var (id, link) in changes) Reconcile(id, link);
    }

    private void Reconcile(PeerId id, IPeerLink? link)
    {
        var known = _neighbours.GetValueOrDefault(id);
        if (known?.Link is not null && !ReferenceEquals(known.Link, link))
        {
            Remove(known);
            known = null;
        }

        if (link is null) return;
        if (known is null && link.Info.Protocols.Contains(SpreadCodec.Protocol)) Add(id, link);
        else if (known is not null) Follow(known, link);
    }

    private void Add(PeerId id, IPeerLink? link)
    {
        var neighbour = new SpreadNeighbour(id, this);
        _neighbours.Add(id, neighbour);
        if (link is null) _core.AddPeer(id, direct: false, Clock.Now(), _effects);
        else Follow(neighbour, link);
    }

    private void Follow(SpreadNeighbour neighbour, IPeerLink link)
    {
        _core.AddPeer(neighbour.Id, link.Kind == LinkKind.Direct, Clock.Now(), _effects);
        CarryOut();
        if (neighbour.Link is null) neighbour.Start(link);
    }

    private void Remove(SpreadNeighbour neighbour)
    {
        _core.RemovePeer(neighbour.Id);
        _neighbours.Remove(neighbour.Id);
        neighbour.Stop();
        foreach (var gone in _departing.Where(gone => gone.Writing.IsCompleted)) gone.Dispose();
        _departing.RemoveAll(gone => gone.Writing.IsCompleted);
        _departing.Add(neighbour);
    }

    private sealed class LinkWatcher(SpreadService service) : ILinkObserver
    {
        public void OnConnected(IPeerLink link) => service.Note(link, linked: true);

        public void OnIdentified(IPeerLink link) => service.Note(link, linked: true);

        public void OnKindChanged(IPeerLink link) => service.Note(link, linked: true);

        public void OnDisconnected(IPeerLink link, CloseInfo why) => service.Note(link, linked: false);
    }
}
