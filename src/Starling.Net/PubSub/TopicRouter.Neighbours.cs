using Starling.Net.Links;
using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <content>Neighbours follow the links.</content>
internal sealed partial class TopicRouter : ILinkObserver
{
    private readonly Dictionary<PeerId, PubSubPeer> _peers = [];
    private readonly List<PubSubPeer> _departing = [];

    public void OnConnected(IPeerLink link) => Note(link);

    public void OnIdentified(IPeerLink link) => Note(link);

    public void OnDisconnected(IPeerLink link, CloseInfo why)
    {
        using var turn = BeginTurn();
        if (_peers.TryGetValue(link.Peer, out var peer) && ReferenceEquals(peer.Link, link)) RemoveNow(peer);
    }

    /// <summary>A peer's stream has come: it is a neighbour, whatever identify said.</summary>
    /// <param name="id">The peer.</param>
    /// <param name="protocol">What its stream speaks.</param>
    public void Attach(PeerId id, string? protocol)
    {
        using var turn = BeginTurn();
        if (_stopped || _peers.ContainsKey(id)) return;
        var link = _host.Find(id);
        Add(id, (link is null ? null : KindOf(link)) ?? KindOf(protocol), link);
    }

    /// <summary>A peer's stream has ended. Without a link, nothing is left of it.</summary>
    public void Detach(PeerId id)
    {
        using var turn = BeginTurn();
        if (_peers.TryGetValue(id, out var peer) && peer.Link is null) RemoveNow(peer);
    }

    /// <summary>Says again what this node follows, on a new stream.</summary>
    public void Reannounce(PubSubPeer peer)
    {
        using var turn = BeginTurn();
        if (!IsPresent(peer)) return;
        peer.Queue.ForgetControl();
        Core.Announce(peer.Id, Clock.Now(), _effects);
    }

    /// <summary>This one is no neighbour any more.</summary>
    public void Remove(PubSubPeer peer)
    {
        using var turn = BeginTurn();
        if (IsPresent(peer)) RemoveNow(peer);
    }

    /// <summary>Every neighbour, those included whose last stream is just ending.</summary>
    public IReadOnlyList<PubSubPeer> AllPeers()
    {
        using var turn = BeginTurn();
        return [.. _peers.Values, .. _departing];
    }

    private bool IsPresent(PubSubPeer peer) => _peers.TryGetValue(peer.Id, out var present) && ReferenceEquals(present, peer);

    private void Note(IPeerLink link)
    {
        using var turn = BeginTurn();
        if (_stopped) return;
        var known = _peers.GetValueOrDefault(link.Peer);
        if (known?.Link is not null && !ReferenceEquals(known.Link, link))
        {
            RemoveNow(known);
            known = null;
        }

        if (known is null && KindOf(link) is { } kind) Add(link.Peer, kind, link);
        else if (known is { Link: null }) StartNow(known, link);
    }

    private static PubSubPeerKind KindOf(string? protocol) => (protocol is null ? null : PubSubProtocol.KindOf(protocol)) ?? PubSubPeerKind.FloodSub;

    /// <summary>What the peer speaks: the first of the own protocols that it lists, which is the one that is opened. Null when it lists none.</summary>
    private PubSubPeerKind? KindOf(IPeerLink link) => Protocols.FirstOrDefault(link.Info.Protocols.Contains) is { } protocol ? KindOf(protocol) : null;

    /// <summary>Where a peer is, for the score: its IP address.</summary>
    private static string? Place(IPeerLink? link) => link?.Connection.RemoteAddress.TryGetIPAddress(out var address) == true ? address.ToString() : null;

    private void Add(PeerId id, PubSubPeerKind kind, IPeerLink? link)
    {
        var peer = new PubSubPeer(id, this);
        _peers.Add(id, peer);
        Core.AddPeer(id, kind, link?.Connection.Direction == Direction.Outbound, Place(link), Clock.Now(), _effects);
        if (link?.Info.AgentVersion.StartsWith("js-libp2p", StringComparison.Ordinal) == true) Core.SetIdForm(id, MessageIdForm.PublicKey);
        if (link is not null) peer.Start(link);
    }

    /// <summary>The link of a neighbour whose stream came first is known now.</summary>
    private void StartNow(PubSubPeer peer, IPeerLink link)
    {
        Core.SetAddress(peer.Id, Place(link));
        peer.Start(link);
    }

    private void RemoveNow(PubSubPeer peer)
    {
        Core.RemovePeer(peer.Id, Clock.Now(), _effects);
        CarryOut();
        _peers.Remove(peer.Id);
        _work.Gone.Add(peer);
        foreach (var gone in _departing.Where(gone => gone.Writing.IsCompleted)) gone.Dispose();
        _departing.RemoveAll(gone => gone.Writing.IsCompleted);
        _departing.Add(peer);
    }
}
