namespace Starling.Net.PubSub;

/// <summary>What topics tell the part of a node that makes and prunes links. Calls come one at a time, in order; they return at once and never throw.</summary>
public interface ITopicLinks
{
    /// <summary>The neighbour is in so many meshes of this node now: the more, the later its link is to be pruned.</summary>
    /// <param name="tag">Which router says so; each counts for itself.</param>
    /// <param name="peer">The neighbour.</param>
    /// <param name="meshes">In how many meshes; 0 when it is in none any more.</param>
    void InMeshes(string tag, PeerId peer, int meshes);

    /// <summary>A link to this explicit peer is wanted and not there. Said again from time to time.</summary>
    void Keep(PeerId peer);

    /// <summary>A link to this peer would serve a topic: a neighbour has named it when it pruned this node. At most <see cref="Protocols.PubSub.GossipOptions.MaxConnects"/> of a router between two heartbeats.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="signedRecord">Its signed peer record as the neighbour told it, not verified; empty when there is none.</param>
    void Offer(PeerId peer, ReadOnlyMemory<byte> signedRecord);
}
