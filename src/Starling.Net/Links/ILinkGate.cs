namespace Starling.Net.Links;

/// <summary>Says which links may be. A swarm asks all of its gates at three points; the first refusal counts.</summary>
/// <remarks>Calls come from many threads at once, return at once and never throw.</remarks>
public interface ILinkGate
{
    /// <summary>Asked before a dial, once for each address. A refused address is left out; with none left the dial fails with the first refusal.</summary>
    /// <param name="peer">Who is dialled, or null when the address names nobody.</param>
    /// <param name="address">Where.</param>
    LinkRefusal? RefuseDial(PeerId? peer, Multiaddr address) => null;

    /// <summary>Asked when a raw connection was accepted, before its handshake. The other side is told nothing, because nothing is secured yet.</summary>
    LinkRefusal? RefuseAccept(Multiaddr remote) => null;

    /// <summary>Asked when a link was authenticated, in either direction, before it is announced. The other side is told the reason.</summary>
    LinkRefusal? RefuseLink(PeerId peer, Multiaddr remote, Direction direction) => null;

    /// <summary>Asked when either side wants a ready link to be of another kind. The other side is told the reason, and the link stays as it is.</summary>
    LinkRefusal? RefuseKind(PeerId peer, LinkKind kind) => null;
}

/// <summary>Why a link may not be.</summary>
/// <param name="Reason">For metrics and the other side: <see cref="CloseReason.Refused"/>, <see cref="CloseReason.Blocked"/>, <see cref="CloseReason.BudgetExceeded"/>…</param>
/// <param name="Detail">A sentence for people on both sides; at most 256 characters are sent.</param>
public sealed record LinkRefusal(CloseReason Reason, string Detail);
