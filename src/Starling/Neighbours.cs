using System.Collections.Immutable;
using Starling.Net.Links;

namespace Starling;

/// <summary>The set of direct neighbours, kept up by what an observer is told. For one thread at a time.</summary>
internal sealed class Neighbours
{
    public ImmutableHashSet<PeerId> All { get; private set; } = [];

    /// <summary>Takes note of a link.</summary>
    /// <returns>Whether the set has changed.</returns>
    public bool Update(IPeerLink link, bool linked)
    {
        var before = All;
        All = linked && link.Kind == LinkKind.Direct ? All.Add(link.Peer) : All.Remove(link.Peer);
        return All != before;
    }
}

/// <summary>Tells the application of its neighbours and asks it which links may be.</summary>
internal sealed class ApplicationLink(Func<INodeApplication?> application) : ILinkObserver, ILinkGate
{
    private readonly Neighbours _neighbours = new();

    public LinkRefusal? RefuseDial(PeerId? peer, Multiaddr address) => Ask(peer, Direction.Outbound);

    public LinkRefusal? RefuseLink(PeerId peer, Multiaddr remote, Direction direction) => Ask(peer, direction);

    public void OnConnected(IPeerLink link) => Update(link, linked: true);

    public void OnIdentified(IPeerLink link)
    {
    }

    public void OnKindChanged(IPeerLink link) => Update(link, linked: true);

    public void OnDisconnected(IPeerLink link, CloseInfo why) => Update(link, linked: false);

    private LinkRefusal? Ask(PeerId? peer, Direction direction) =>
        application()?.RefuseLink(peer, direction) is { } why ? new LinkRefusal(CloseReason.Refused, why) : null;

    private void Update(IPeerLink link, bool linked)
    {
        if (_neighbours.Update(link, linked)) application()?.OnNeighboursChanged(_neighbours.All);
    }
}

/// <summary>Refuses every new link for one reason.</summary>
internal sealed class ClosedGate(string reason) : ILinkGate
{
    private readonly LinkRefusal _refusal = new(CloseReason.Refused, reason);

    public LinkRefusal? RefuseDial(PeerId? peer, Multiaddr address) => _refusal;

    public LinkRefusal? RefuseLink(PeerId peer, Multiaddr remote, Direction direction) => _refusal;
}
