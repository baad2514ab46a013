using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>What a node remembers of peers: where they may be reached, who said so, and whether it was true. Safe for several threads.</summary>
public interface IPeerBook
{
    /// <summary>Every peer in the book, those that were given up included.</summary>
    IReadOnlyList<PeerEntry> Peers { get; }

    /// <summary>The peers that are direct neighbours, or were when their link was lost or the node stopped.</summary>
    IReadOnlyList<PeerEntry> DirectNeighbours { get; }

    /// <summary>What is known of a peer, or null.</summary>
    PeerEntry? Find(PeerId peer);

    /// <summary>Notes where a peer may be reached. Hearsay about a peer that was found dead is refused until it is heard from at first hand.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="addresses">Where, with or without peer id; malformed counts and lengths are cut to the book's bounds.</param>
    /// <param name="source">Who says so.</param>
    /// <returns>Whether anything was noted.</returns>
    bool Add(PeerId peer, IReadOnlyList<Multiaddr> addresses, AddressSource source);

    /// <summary>Notes a record that a peer signed of itself and that somebody handed on. It is verified here.</summary>
    /// <param name="envelope">The envelope's bytes (RFC 0002); copied.</param>
    /// <returns>Whether it holds and is newer than what was known.</returns>
    bool AddRecord(ReadOnlyMemory<byte> envelope);

    /// <summary>A link to the peer was made at this address.</summary>
    void Succeeded(PeerId peer, Multiaddr address);

    /// <summary>A dial of the peer failed at all its addresses.</summary>
    void Failed(PeerId peer);

    /// <summary>Keeps a peer for ever, or lets it age again. A peer that is not in the book is not added.</summary>
    void SetStatic(PeerId peer, bool isStatic);

    /// <summary>Forgets a peer. It may be heard of again.</summary>
    /// <returns>Whether it was in the book.</returns>
    bool Remove(PeerId peer);

    /// <summary>Tells of every change from now on: the peer, and what is now known of it, or null when it was forgotten. Disposing ends it.</summary>
    /// <remarks>Calls come one at a time, in order; they must return at once and never throw.</remarks>
    IDisposable Observe(Action<PeerId, PeerEntry?> observer);
}
