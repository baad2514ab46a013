namespace Starling.Net.Links;

/// <summary>What a node remembers of peers: where they may be reached, who said so, and whether it was true. Safe for several threads.</summary>
public interface IPeerBook
{
    /// <summary>Every peer in the book.</summary>
    IReadOnlyList<PeerEntry> Peers { get; }

    /// <summary>What is known of a peer, or null.</summary>
    PeerEntry? Find(PeerId peer);

    /// <summary>Notes where a peer may be reached. Hearsay about a peer that was found dead is refused until it is heard from at first hand.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="addresses">Where, with or without peer id; malformed counts and lengths are cut to the book's bounds.</param>
    /// <param name="source">Who says so.</param>
    /// <returns>Whether anything was noted.</returns>
    bool Add(PeerId peer, IReadOnlyList<Multiaddr> addresses, AddressSource source);

    /// <summary>A link to the peer was made at this address.</summary>
    void Succeeded(PeerId peer, Multiaddr address);

    /// <summary>A dial of the peer failed at all its addresses.</summary>
    void Failed(PeerId peer);

    /// <summary>Keeps a peer for ever, or lets it age again. A peer that is not in the book is not added.</summary>
    void SetStatic(PeerId peer, bool isStatic);

    /// <summary>Forgets a peer. It may be heard of again.</summary>
    /// <returns>Whether it was in the book.</returns>
    bool Remove(PeerId peer);
}

/// <summary>Who told of an address; a later one in this list is trusted more.</summary>
public enum AddressSource
{
    /// <summary>Another peer told.</summary>
    Hearsay,

    /// <summary>Another peer handed on a record that the peer itself had signed.</summary>
    SignedRecord,

    /// <summary>A discovery on this network found it.</summary>
    Discovery,

    /// <summary>The peer itself told on a link.</summary>
    Identify,

    /// <summary>This node's user or configuration.</summary>
    User,
}

/// <summary>One peer of an <see cref="IPeerBook"/>: a snapshot.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Addresses">Where it may be reached, the best first.</param>
/// <param name="IsStatic">Whether it is kept for ever.</param>
/// <param name="LastSeen">When a link to it was last ready, by the node's clock, or null.</param>
/// <param name="Failures">Dials that failed since then.</param>
/// <param name="IsDead">Whether it was given up: hearsay does not bring it back.</param>
public sealed record PeerEntry(PeerId Peer, IReadOnlyList<PeerAddress> Addresses, bool IsStatic, DateTimeOffset? LastSeen, int Failures, bool IsDead);

/// <summary>One address of a <see cref="PeerEntry"/>.</summary>
/// <param name="Address">Without peer id.</param>
/// <param name="Source">The most trusted one that told of it.</param>
/// <param name="Heard">When it was last told.</param>
/// <param name="Succeeded">When a link was last made at it, or null.</param>
public sealed record PeerAddress(Multiaddr Address, AddressSource Source, DateTimeOffset Heard, DateTimeOffset? Succeeded);
