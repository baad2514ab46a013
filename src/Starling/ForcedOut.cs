using Starling.Net.Links;

namespace Starling;

/// <summary>The peers whose links were ended by force: refused until the node stops. The oldest of more than <see cref="Capacity"/> is forgotten. Safe for several threads.</summary>
internal sealed class ForcedOut : ILinkGate
{
    public const int Capacity = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, LinkRefusal> _blocked = [];
    private readonly Queue<PeerId> _order = new();

    public void Block(PeerId peer, string reason)
    {
        lock (_gate)
        {
            if (!_blocked.ContainsKey(peer)) _order.Enqueue(peer);
            _blocked[peer] = new LinkRefusal(CloseReason.Blocked, reason.Length > 0 ? reason : "The peer was disconnected by force.");
            if (_order.Count > Capacity) _blocked.Remove(_order.Dequeue());
        }
    }

    public LinkRefusal? RefuseDial(PeerId? peer, Multiaddr address) => peer is null ? null : Find(peer);

    public LinkRefusal? RefuseLink(PeerId peer, Multiaddr remote, Direction direction) => Find(peer);

    private LinkRefusal? Find(PeerId peer)
    {
        lock (_gate) return _blocked.GetValueOrDefault(peer);
    }
}
