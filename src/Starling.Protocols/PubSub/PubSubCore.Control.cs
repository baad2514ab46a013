using System.Text.Unicode;

namespace Starling.Protocols.PubSub;

/// <content>Control messages, from the wire or not.</content>
public sealed partial class PubSubCore
{
    private readonly List<MessageId> _ids = [];

    /// <summary>Takes one control message in; from one that is no neighbour, or from a floodsub one, nothing.</summary>
    public void ReceiveControl(PeerId from, in GossipControl control, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_neighbours.TryGetValue(from, out var neighbour) || IsGraylisted(neighbour)) return;
        var topic = _topics.GetValueOrDefault(control.Topic);
        var ids = control.Ids.Span;
        switch (control.Kind)
        {
            case GossipControlKind.Graft:
                ReceiveGraft(neighbour, topic, now, effects);
                break;
            case GossipControlKind.Prune:
                ReceivePrune(neighbour, topic, control.Prune, now, effects);
                break;
            case GossipControlKind.IHave:
                if (MayHear(neighbour, topic)) ReceiveIHave(neighbour, topic!, ids[..MayLearn(ids.Length)], now, effects);
                break;
            case GossipControlKind.IWant:
                ReceiveIWant(neighbour, ids[..MayServe(neighbour, ids.Length)], effects);
                break;
            case GossipControlKind.IDontWant:
                ReceiveIDontWant(neighbour, ids[..MayRefuse(neighbour, ids.Length)]);
                break;
        }
    }

    private void ReceiveControls(Neighbour neighbour, Rpc rpc, Instant now, ICollection<PubSubEffect> effects)
    {
        var body = rpc.Body;
        foreach (ref readonly var control in rpc.Controls)
        {
            var topic = control.Topic.IsPresent ? FindTopic(control.Topic.In(body.Span)) : null;
            switch (control.Kind)
            {
                case GossipControlKind.Graft:
                    ReceiveGraft(neighbour, topic, now, effects);
                    break;
                case GossipControlKind.Prune:
                    if (topic is not null) ReceivePrune(neighbour, topic, RpcCodec.ReadPrune(body, control.Whole, _gossip.MaxExchangedPeers), now, effects);
                    break;
                case GossipControlKind.IHave:
                    if (MayHear(neighbour, topic)) ReceiveIHave(neighbour, topic!, ReadIds(neighbour, rpc, in control, MayLearn(control.IdCount)), now, effects);
                    break;
                case GossipControlKind.IWant:
                    ReceiveIWant(neighbour, ReadIds(neighbour, rpc, in control, MayServe(neighbour, control.IdCount)), effects);
                    break;
                case GossipControlKind.IDontWant:
                    ReceiveIDontWant(neighbour, ReadIds(neighbour, rpc, in control, MayRefuse(neighbour, control.IdCount)));
                    break;
            }
        }
    }

    /// <summary>Reads ids; those that are none are counted and left out.</summary>
    private ReadOnlySpan<MessageId> ReadIds(Neighbour neighbour, Rpc rpc, in RpcControl control, int count)
    {
        _ids.Clear();
        var body = rpc.Body.Span;
        foreach (var field in rpc.Ids.Slice(control.FirstId, Math.Min(count, control.IdCount)))
        {
            if (MessageIds.TryRead(field.In(body), _origins, out var id, out var form))
            {
                _ids.Add(id);
                neighbour.Form = form;
            }
            else
            {
                Counters.Count(PubSubRefusal.BadMessageId);
            }
        }

        return global::System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_ids);
    }

    private TopicState? FindTopic(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > _options.MaxTopicBytes) return null;
        var name = utf8.Length <= 512 ? stackalloc char[utf8.Length] : new char[utf8.Length];
        if (Utf8.ToUtf16(utf8, name, out _, out var length, replaceInvalidSequences: false) != global::System.Buffers.OperationStatus.Done) return null;
        return _topics.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name[..length], out var topic) ? topic : null;
    }
}
