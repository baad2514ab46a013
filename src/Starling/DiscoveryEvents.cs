using Starling.Net.Discovery;

namespace Starling;

/// <summary>Raises a node's events of peers found and lost.</summary>
internal sealed class DiscoveryEvents(NodeEventHub events) : IDiscoveryObserver
{
    public void OnFound(DiscoveredPeer peer) => events.Raise(new NodeEvent.Found(peer));

    public void OnLost(DiscoveredPeer peer) => events.Raise(new NodeEvent.Lost(peer));
}
