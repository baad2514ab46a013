using Starling.Protocols.PubSub;

namespace Starling.Simulation;

/// <summary>Takes part in meshes and gossip, and hands on nothing that others published: neither to its mesh nor when it is asked.</summary>
public sealed class CensorBehaviour : NodeBehaviour
{
    /// <inheritdoc/>
    public override bool Sends(SimulatedNode node, in PubSubEffect effect)
    {
        ArgumentNullException.ThrowIfNull(node);
        return effect.Kind != PubSubEffectKind.Send || effect.Message!.Id.Origin.Equals(node.Id);
    }
}

/// <summary>An attacker's node: grafts itself to every neighbour at every heartbeat, never prunes, hands nothing on, and advertises messages that do not exist.</summary>
public sealed class SybilBehaviour : NodeBehaviour
{
    private const int InventedIds = 16;
    private ulong _invented = ulong.MaxValue;

    /// <inheritdoc/>
    public override bool Sends(SimulatedNode node, in PubSubEffect effect) =>
        effect.Kind is PubSubEffectKind.AnnounceSubscribe or PubSubEffectKind.Graft;

    /// <inheritdoc/>
    public override void OnHeartbeat(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        var topic = node.Network.Options.Topic;
        var ids = new MessageId[InventedIds];
        for (var i = 0; i < ids.Length; i++) ids[i] = new MessageId(node.Id, _invented--);
        foreach (var neighbour in node.Neighbours)
        {
            node.Send(new PubSubEffect(PubSubEffectKind.Graft, neighbour.Id, topic));
            node.Send(new PubSubEffect(PubSubEffectKind.IHave, neighbour.Id, topic, Detail: ids));
        }
    }
}
