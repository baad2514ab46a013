using System.Threading.Channels;

namespace Starling.Gateways.Gossip;

/// <summary>The events that wait for readers: so many for each, the oldest make room and are counted. Safe for several threads.</summary>
internal sealed class GossipEventQueue(int limit)
{
    private readonly Lock _gate = new();
    private readonly List<Channel<GossipEvent>> _readers = [];
    private long _dropped;
    private bool _ended;

    public long Dropped => Interlocked.Read(ref _dropped);

    public Channel<GossipEvent> Add()
    {
        var reader = Channel.CreateBounded<GossipEvent>(new BoundedChannelOptions(limit) { FullMode = BoundedChannelFullMode.DropOldest }, _ => Interlocked.Increment(ref _dropped));
        lock (_gate)
        {
            _readers.Add(reader);
            if (_ended) reader.Writer.TryComplete();
        }

        return reader;
    }

    public void Remove(Channel<GossipEvent> reader)
    {
        lock (_gate) _readers.Remove(reader);
    }

    public void Raise(GossipEvent what)
    {
        lock (_gate)
        {
            foreach (var reader in _readers) reader.Writer.TryWrite(what);
        }
    }

    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            foreach (var reader in _readers) reader.Writer.TryComplete();
        }
    }
}
