namespace Starling.Protocols.Tests.Links;

/// <summary>Peer ids for tests: a sha2-256 multihash whose digest is a number.</summary>
internal static class TestPeers
{
    public static PeerId Get(byte number)
    {
        var multihash = new byte[34];
        multihash[0] = 0x12;
        multihash[1] = 32;
        multihash[33] = number;
        return PeerId.FromBytes(multihash);
    }
}
