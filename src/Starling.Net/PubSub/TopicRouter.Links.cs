using Starling.Net.Links;
using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <content>Neighbours follow the links. What the host says is noted at once and never waits; the loop brings its peers in line before its next event.</content>
internal sealed partial class TopicRouter : ILinkObserver
{
    private readonly Lock _linkGate = new();
    private readonly Dictionary<PeerId, IPeerLink> _links = [];
    private readonly HashSet<PeerId> _changed = [];
    private readonly Dictionary<PeerId, PubSubPeer> _peers = [];
    private readonly List<PubSubPeer> _departing = [];

    public void OnConnected(IPeerLink link) => Note(link, linked: true);

    public void OnIdentified(IPeerLink link) => Note(link, linked: true);

    public void OnDisconnected(IPeerLink link, CloseInfo why) => Note(link, linked: false);

    /// <summary>A peer's stream has come: it is a neighbour, whatever identify said.</summary>
    public void Attach(PeerId id)
    {
        if (_peers.ContainsKey(id)) return;
        IPeerLink? link;
        lock (_linkGate) _links.TryGetValue(id, out link);
        Add(id, link);
    }

    /// <summary>A peer's stream has ended. Without a link, nothing is left of it.</summary>
    public void Detach(PeerId id)
    {
        if (_peers.TryGetValue(id, out var peer) && peer.Link is null) Remove(peer);
    }

    /// <summary>Says again what this node follows, on a new stream.</summary>
    public void Reannounce(PubSubPeer peer)
    {
        if (!IsPresent(peer)) return;
        peer.Queue.ForgetAnnouncements();
        Core.Announce(peer.Id, Clock.Now(), _effects);
        CarryOut();
    }

    /// <summary>This one is no neighbour any more.</summary>
    public void Remove(PubSubPeer peer)
    {
        if (!IsPresent(peer)) return;
        Core.RemovePeer(peer.Id, Clock.Now(), _effects);
        CarryOut();
        _peers.Remove(peer.Id);
        peer.Stop();
        foreach (var gone in _departing.Where(gone => gone.Writing.IsCompleted)) gone.Dispose();
        _departing.RemoveAll(gone => gone.Writing.IsCompleted);
        _departing.Add(peer);
    }

    /// <summary>Every neighbour, those included whose last stream is just ending.</summary>
    public IReadOnlyList<PubSubPeer> AllPeers() => [.. _peers.Values, .. _departing];

    private bool IsPresent(PubSubPeer peer) => _peers.TryGetValue(peer.Id, out var present) && ReferenceEquals(present, peer);

    private void Note(IPeerLink link, bool linked)
    {
        lock (_linkGate)
        {
            if (linked) _links[link.Peer] = link;
            else if (_links.TryGetValue(link.Peer, out var known) && ReferenceEquals(known, link)) _links.Remove(link.Peer);
            else return;
            _changed.Add(link.Peer);
        }

        // With a full line the loop is awake, and looks before its next event.
        _events.Writer.TryWrite(new RouterCall(static _ => { }));
    }

    private void ReconcileLinks()
    {
        (PeerId Id, IPeerLink? Link)[] changes;
        lock (_linkGate)
        {
            if (_changed.Count == 0) return;
            changes = [.. _changed.Select(id => (id, _links.GetValueOrDefault(id)))];
            _changed.Clear();
        }

        foreach (var (id, link) in changes)
        {
            var known = _peers.GetValueOrDefault(id);
            if (known?.Link is not null && !ReferenceEquals(known.Link, link))
            {
                Remove(known);
                known = null;
            }

            if (link is null) continue;
            if (known is null && SpeaksPubSub(link)) Add(id, link);
            else if (known is { Link: null }) known.Start(link);
        }
    }

    private bool SpeaksPubSub(IPeerLink link) => link.Info.Protocols.Any(Options.Protocols.Contains);

    private void Add(PeerId id, IPeerLink? link)
    {
        var peer = new PubSubPeer(id, this);
        _peers.Add(id, peer);
        Core.AddPeer(id, PubSubPeerKind.FloodSub, isOutbound: false, address: null, Clock.Now(), _effects);
        CarryOut();
        if (link is not null) peer.Start(link);
    }
}
