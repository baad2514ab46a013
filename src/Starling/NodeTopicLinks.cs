using Starling.Net.Links;
using Starling.Net.PubSub;

namespace Starling;

/// <summary>Keeps the links of mesh neighbours when links must go, and takes in whom prunes name.</summary>
internal sealed class NodeTopicLinks(Func<LinkManager> manager, PeerBook peers) : ITopicLinks
{
    /// <summary>What one mesh is worth when links are pruned.</summary>
    private const int MeshWeight = 10;

    public void InMeshes(string tag, PeerId peer, int meshes) => manager().Tag(peer, $"topics/{tag}", meshes * MeshWeight);

    public void Keep(PeerId peer) => manager().Keep(peer);

    /// <summary>The record is verified by the peer book, from which neighbours are dialled when some are wanted.</summary>
    public void Offer(PeerId peer, ReadOnlyMemory<byte> signedRecord)
    {
        if (!signedRecord.IsEmpty) peers.AddRecord(signedRecord);
    }
}
