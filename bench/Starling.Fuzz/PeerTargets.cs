using System.Net;
using System.Text;
using Starling.Protocols.Links;

namespace Starling.Fuzz;

/// <summary>What people and files name to be blocked: what parses is equal to what its own text parses to, and blocks itself.</summary>
internal sealed class BlockSubjects() : Target("block-subject", [.. Examples.Select(Encoding.UTF8.GetBytes)])
{
    private static readonly string[] Examples =
    [
        "192.0.2.1", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::1", "::ffff:192.0.2.0/120", "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
    ];

    public override void Feed(byte[] input, RandomSource random)
    {
        if (!BlockSubject.TryParse(Encoding.UTF8.GetString(input), out var subject, out _)) return;
        Hold(BlockSubject.Parse(subject.ToString()) == subject, $"the text of {subject} parses to the same subject");
        var list = new BlocklistCore(1);
        list.TryAdd(new BlockEntry(subject, default));
        var address = subject.Addresses is { } range ? IPAddress.Parse(range.ToString().Split('/')[0]) : null;
        Hold(list.Match(subject.Peer, address, default) is not null, $"{subject} blocks what it names");
    }
}

/// <summary>Signed peer records that somebody hands on: only what the signer signed gets into a peer book.</summary>
internal sealed class HandedOnRecords() : Target("peer-record", Sample)
{
    private static readonly NodeIdentity Signer = NodeIdentity.Generate();
    private static readonly NodeIdentity Self = NodeIdentity.Generate();
    private static readonly Multiaddr Place = Multiaddr.Parse("/ip4/192.0.2.1/tcp/4001");

    private static byte[] Sample { get; } = PeerRecords.Seal(Signer, 7, [Place]);

    public override void Feed(byte[] input, RandomSource random)
    {
        if (!PeerRecords.TryOpen(input, out var peer, out var sequence, out var addresses)) return;
        Hold(peer != Signer.PeerId || (sequence == 7 && addresses.Count == 1 && addresses[0] == Place), "nobody but the signer can change a record");
        var book = new PeerBookCore(Self.PeerId, new PeerBookLimits());
        book.NoteRecord(peer, sequence, addresses, input, isFirstHand: false, default, []);
        Hold(book.Count <= 1 && book.Snapshot().All(entry => entry.Peer == peer), "a record tells of its signer only");
    }
}
