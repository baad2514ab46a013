namespace Starling.Protocols.PubSub;

/// <summary>Kinds of gossipsub control messages.</summary>
public enum GossipControlKind
{
    /// <summary>The sender has these messages of a topic.</summary>
    IHave,

    /// <summary>The sender asks for these messages.</summary>
    IWant,

    /// <summary>The sender adds the receiver to its mesh of a topic.</summary>
    Graft,

    /// <summary>The sender removes the receiver from its mesh of a topic.</summary>
    Prune,

    /// <summary>The sender has these messages and needs no copy of them (1.2).</summary>
    IDontWant,
}

/// <summary>One control message, in neither direction encoded: what <see cref="PubSubCore.ReceiveControl"/> takes.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Topic">The topic of IHAVE, GRAFT and PRUNE, else empty.</param>
/// <param name="Ids">The messages of IHAVE, IWANT and IDONTWANT, else empty.</param>
/// <param name="Prune">What comes with a PRUNE, else null.</param>
public readonly record struct GossipControl(GossipControlKind Kind, string Topic, ReadOnlyMemory<MessageId> Ids = default, PruneDetail? Prune = null)
{
    /// <summary>The control message that an effect stands for; null for an effect that is none.</summary>
    public static GossipControl? From(in PubSubEffect effect) => effect.Kind switch
    {
        PubSubEffectKind.Graft => new GossipControl(GossipControlKind.Graft, effect.Topic),
        PubSubEffectKind.Prune => new GossipControl(GossipControlKind.Prune, effect.Topic, default, (PruneDetail?)effect.Detail),
        PubSubEffectKind.IHave => new GossipControl(GossipControlKind.IHave, effect.Topic, (MessageId[])effect.Detail!),
        PubSubEffectKind.IWant => new GossipControl(GossipControlKind.IWant, "", (MessageId[])effect.Detail!),
        PubSubEffectKind.IDontWant => new GossipControl(GossipControlKind.IDontWant, "", (MessageId[])effect.Detail!),
        _ => null,
    };
}

/// <summary>What a PRUNE says beside its topic.</summary>
/// <param name="Backoff">How long the pruned neighbour must wait before it grafts again; null where none is said (gossipsub 1.0).</param>
/// <param name="Peers">Other followers of the topic that it may link to (peer exchange); empty as a rule.</param>
public sealed record PruneDetail(TimeSpan? Backoff, IReadOnlyList<ExchangedPeer> Peers);

/// <summary>A peer named in a PRUNE.</summary>
/// <param name="Peer">Its id.</param>
/// <param name="SignedRecord">Its signed peer record, encoded and not verified; empty where the sender had none.</param>
public readonly record struct ExchangedPeer(PeerId Peer, ReadOnlyMemory<byte> SignedRecord);
