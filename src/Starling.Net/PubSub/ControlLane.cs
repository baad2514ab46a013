using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>What a neighbour is to be told besides messages. Later news of a topic replace earlier ones, so the lane grows with the topics and not with time. One thread at a time.</summary>
internal sealed class ControlLane(int maxIds)
{
    /// <summary>Well below the 5,000 that js-libp2p reads.</summary>
    private const int MaxEntriesPerRpc = 1000;
    private readonly Dictionary<string, bool> _announcements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GossipControl> _meshes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GossipControl> _haves = new(StringComparer.Ordinal);
    private readonly Queue<MessageId> _wants = new();
    private readonly Queue<MessageId> _unwanted = new();

    /// <summary>How the neighbour writes ids.</summary>
    public MessageIdForm Form { get; set; }

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => Topics == 0 && _haves.Count == 0 && _wants.Count == 0 && _unwanted.Count == 0;

    /// <summary>News of topics that wait and must not be lost.</summary>
    public int Topics => _announcements.Count + _meshes.Count;

    /// <summary>Adds news. Returns how many ids of earlier ones had to make room: asks that are so old get no answer any more.</summary>
    public int Add(in PubSubEffect effect)
    {
        if (GossipControl.From(effect) is not { } control)
        {
            _announcements[effect.Topic] = effect.Kind == PubSubEffectKind.AnnounceSubscribe;
            return 0;
        }

        switch (control.Kind)
        {
            case GossipControlKind.Graft or GossipControlKind.Prune:
                _meshes[control.Topic] = control;
                return 0;
            case GossipControlKind.IHave:
                _haves[control.Topic] = control;
                return 0;
            default:
                return AddIds(control.Kind == GossipControlKind.IWant ? _wants : _unwanted, control.Ids.Span);
        }
    }

    public void Clear()
    {
        _announcements.Clear();
        _meshes.Clear();
        _haves.Clear();
        _wants.Clear();
        _unwanted.Clear();
    }

    /// <summary>Moves entries into a batch until it has so many bytes, at least one. Who follows what goes before who is in which mesh.</summary>
    public void Take(RpcBatch batch, int maxBytes)
    {
        var left = MaxEntriesPerRpc;
        for (; _announcements.Count > 0 && left > 0 && batch.Size < maxBytes; left--)
        {
            var (topic, subscribe) = _announcements.First();
            _announcements.Remove(topic);
            batch.Add(topic, subscribe);
        }

        Take(_meshes, batch, ref left, maxBytes);
        Take(GossipControlKind.IDontWant, _unwanted, batch, ref left, maxBytes);
        Take(GossipControlKind.IWant, _wants, batch, ref left, maxBytes);
        if (batch.Ids == 0) Take(_haves, batch, ref left, maxBytes);
    }

    private int AddIds(Queue<MessageId> to, ReadOnlySpan<MessageId> ids)
    {
        foreach (var id in ids) to.Enqueue(id);
        var dropped = 0;
        for (; to.Count > maxIds; dropped++) to.Dequeue();
        return dropped;
    }

    private void Take(Dictionary<string, GossipControl> from, RpcBatch batch, ref int left, int maxBytes)
    {
        for (; from.Count > 0 && left > 0 && batch.Size < maxBytes && batch.Ids < maxIds; left--)
        {
            var (topic, control) = from.First();
            from.Remove(topic);
            batch.Add(control, Form);
        }
    }

    private void Take(GossipControlKind kind, Queue<MessageId> ids, RpcBatch batch, ref int left, int maxBytes)
    {
        if (ids.Count == 0 || left <= 0 || batch.Size >= maxBytes) return;
        batch.Add(new GossipControl(kind, "", ids.ToArray()), Form);
        ids.Clear();
        left--;
    }
}
