using System.Buffers;
using System.Text;

namespace Starling.Fuzz;

/// <summary>Addresses in binary: what decodes encodes to the same bytes and survives its text.</summary>
internal sealed class MultiaddrBytes() : Target("multiaddr-bytes", [.. MultiaddrText.Examples.Select(text => Multiaddr.Parse(text).Bytes.ToArray())])
{
    public override void Feed(byte[] input, RandomSource random)
    {
        if (!Multiaddr.TryDecode(input, out var address, out _)) return;
        Hold(address.Bytes.Span.SequenceEqual(input), "a decoded address has the bytes that it was decoded from");
        Hold(Multiaddr.TryParse(address.ToString(), out var again, out var error) && again.Equals(address), $"the text of {address} parses to the same address ({error})");
    }
}

/// <summary>Addresses as text: what parses is equal to what its own text parses to.</summary>
internal sealed class MultiaddrText() : Target("multiaddr-text", [.. Examples.Select(Encoding.UTF8.GetBytes)])
{
    public static IReadOnlyList<string> Examples { get; } =
    [
        "/ip4/127.0.0.1/tcp/4001", "/ip6/::1/udp/4001/quic-v1", "/dns4/example.org/tcp/443/wss", "/ip6zone/eth0/ip6/fe80::1/tcp/1",
        "/ip4/1.2.3.4/tcp/4001/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit", "/unix/tmp%2fsocket", "/dnsaddr/bootstrap.example.org",
    ];

    public override void Feed(byte[] input, RandomSource random)
    {
        if (!Multiaddr.TryParse(Encoding.UTF8.GetString(input), out var address, out _)) return;
        Hold(Multiaddr.TryDecode(address.Bytes.Span, out var again, out var error) && again.Equals(address), $"the bytes of {address} decode to the same address ({error})");
    }
}

/// <summary>Peer ids, as bytes and as text.</summary>
internal sealed class PeerIds() : Target("peer-id", Id.Bytes.ToArray(), Encoding.UTF8.GetBytes(Id.ToString()), Encoding.UTF8.GetBytes(Id.ToCid()))
{
    private static PeerId Id { get; } = PeerId.Parse("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA");

    public override void Feed(byte[] input, RandomSource random)
    {
        if (PeerId.TryFromBytes(input, out var id)) Hold(PeerId.Parse(id.ToString()).Equals(id), $"the text of {id} parses to the same id");
        if (PeerId.TryParse(Encoding.UTF8.GetString(input), out var parsed, out _)) Hold(PeerId.Parse(parsed.ToCid()).Equals(parsed), $"the CID of {parsed} parses to the same id");
    }
}

/// <summary>Public keys of every kind, and signatures checked with them.</summary>
internal sealed class PublicKeys() : Target("public-key", Sample(KeyType.Ed25519), Sample(KeyType.Ecdsa), Convert.FromHexString("08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99"))
{
    public override void Feed(byte[] input, RandomSource random)
    {
        if (!PublicKey.TryDecode(input, out var key, out _)) return;
        Hold(PublicKey.Decode(key.Encoded.Span).Equals(key), "a key's own encoding decodes to the same key");
        var signature = new byte[random.Next(80)];
        random.Fill(signature);
        Hold(!key.Verify("data"u8, signature), "noise is no signature");
    }

    private static byte[] Sample(KeyType type)
    {
        using var identity = NodeIdentity.Generate(type);
        return identity.PublicKey.Encoded.ToArray();
    }
}

/// <summary>Length-prefixed messages, whole and in two pieces.</summary>
internal sealed class Frames() : Target("frames", [5, 1, 2, 3, 4, 5, 0, 3, 1, 2, 3], [0x80, 1, .. new byte[128]])
{
    public override void Feed(byte[] input, RandomSource random)
    {
        ReadOnlySpan<byte> rest = input;
        while (LengthDelimited.TryRead(rest, 1000, out var message, out var consumed) == OperationStatus.Done)
        {
            Hold(message.Length <= 1000 && consumed > message.Length, "a message is within its bound and its frame");
            rest = rest[consumed..];
        }
    }
}
