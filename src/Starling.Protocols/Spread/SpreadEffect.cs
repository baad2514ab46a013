namespace Starling.Protocols.Spread;

/// <summary>What a spread core asks its shell to do.</summary>
public enum SpreadEffectKind
{
    /// <summary>Send an item to a neighbour.</summary>
    Send,

    /// <summary>Send a reply to a neighbour.</summary>
    SendReply,

    /// <summary>Offer a neighbour the items that are kept.</summary>
    SendHave,

    /// <summary>Ask a neighbour for items that it offered.</summary>
    SendWant,

    /// <summary>Hand an item to the handler of its kind.</summary>
    Deliver,

    /// <summary>Hand a reply to whoever published the item.</summary>
    DeliverReply,

    /// <summary>Check an item's signature, then call <see cref="SpreadCore.Accept"/> or <see cref="SpreadCore.Refuse"/>.</summary>
    Verify,

    /// <summary>Ask the kind's validators: call <see cref="SpreadCore.Expect"/> where there are several, and <see cref="SpreadCore.Judge"/> for each.</summary>
    Validate,

    /// <summary>The verdict came too late or is not needed any more: stop asking for it.</summary>
    StopValidating,

    /// <summary>Nothing to do: something that a neighbour sent was refused, for whoever wants to know.</summary>
    Refused,
}

/// <summary>One effect, to be carried out in order.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Peer">The neighbour to send to, or the one that brought what is delivered.</param>
/// <param name="Item">The item, where there is one.</param>
/// <param name="Reply">The reply of <see cref="SpreadEffectKind.SendReply"/> and <see cref="SpreadEffectKind.DeliverReply"/>.</param>
/// <param name="Keys">The items of <see cref="SpreadEffectKind.SendHave"/> and <see cref="SpreadEffectKind.SendWant"/>.</param>
/// <param name="Why">The reason of <see cref="SpreadEffectKind.Refused"/>.</param>
public readonly record struct SpreadEffect(SpreadEffectKind Kind, PeerId Peer, SpreadItem? Item = null, SpreadReply? Reply = null, IReadOnlyList<SpreadKey>? Keys = null, SpreadRefusal Why = SpreadRefusal.None);
