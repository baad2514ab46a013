using System.Threading.Channels;
using Starling.Net.Links;

namespace Starling;

/// <summary>One reader's bounded queue of events. The oldest is dropped when it is full.</summary>
internal sealed class NodeEventQueue : ILinkObserver
{
    private readonly Channel<NodeEvent> _queue;
    private readonly Neighbours _neighbours = new();

    public NodeEventQueue(int capacity, Action onDrop) =>
        _queue = Channel.CreateBounded<NodeEvent>(new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.DropOldest }, _ => onDrop());

    public ChannelReader<NodeEvent> Reader => _queue.Reader;

    public void Add(NodeEvent next) => _queue.Writer.TryWrite(next);

    public void Complete() => _queue.Writer.TryComplete();

    public void OnConnected(IPeerLink link)
    {
        Add(new NodeEvent.Connected((PeerLink)link));
        Update(link, linked: true);
    }

    public void OnIdentified(IPeerLink link) => Add(new NodeEvent.Identified((PeerLink)link));

    public void OnKindChanged(IPeerLink link)
    {
        Add(new NodeEvent.KindChanged((PeerLink)link, link.Kind));
        Update(link, linked: true);
    }

    public void OnReadinessChanged(IPeerLink link) => Add(new NodeEvent.PeerReadiness((PeerLink)link, ((PeerLink)link).IsPeerReady));

    public void OnDisconnected(IPeerLink link, CloseInfo why)
    {
        Add(new NodeEvent.Disconnected((PeerLink)link, why));
        Update(link, linked: false);
    }

    private void Update(IPeerLink link, bool linked)
    {
        if (_neighbours.Update(link, linked)) Add(new NodeEvent.NeighboursChanged(_neighbours.All));
    }
}
