using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <content>What links teach: who is there, where they were reached, and what they say of themselves.</content>
public sealed partial class PeerBook
{
    void ILinkObserver.OnConnected(IPeerLink link)
    {
        Change((now, changed) =>
        {
            // The other end of an accepted link is an ephemeral port: nobody listens there.
            if (link.Connection.Direction == Direction.Outbound) _core.Succeeded(link.Peer, link.Connection.RemoteAddress, now, changed);
            _core.Linked(link.Peer, link.Kind == LinkKind.Direct, now, changed);
        });
        Hear(link);
    }

    void ILinkObserver.OnIdentified(IPeerLink link) => Hear(link);

    void ILinkObserver.OnKindChanged(IPeerLink link) =>
        Change((now, changed) => _core.Linked(link.Peer, link.Kind == LinkKind.Direct, now, changed));

    void ILinkObserver.OnDisconnected(IPeerLink link, CloseInfo why) =>
        Change((now, changed) =>
        {
            _core.Unlinked(link.Peer, WasLost(why), now, changed);
            if (LinkedOnly && _core.Find(link.Peer) is { IsStatic: false }) _core.Remove(link.Peer, changed);
        });

    /// <summary>Whether nobody decided that the two should part. A restart, also of the other side, is no decision to part.</summary>
    private static bool WasLost(CloseInfo why) => why switch
    {
        { Reason: CloseReason.LocalClose or CloseReason.Blocked or CloseReason.Pruned or CloseReason.Unused or CloseReason.Refused } => false,
        { Reason: CloseReason.RemoteClose, RemoteReason: not (null or CloseReason.NodeStopping) } => false,
        _ => true,
    };

    /// <summary>Takes what a peer says of itself. A peer elsewhere cannot mean its own loopback by one of ours.</summary>
    private void Hear(IPeerLink link)
    {
        var isLoopback = link.Connection.RemoteAddress.IsLoopback;
        var addresses = link.Info.ListenAddresses.Where(address => isLoopback || !address.IsLoopback).ToList();
        if (addresses.Count > 0) Add(link.Peer, addresses, AddressSource.Identify);
        var envelope = link.Info.SignedPeerRecord;
        if (envelope.IsEmpty || Find(link.Peer) is { } known && known.SignedRecord.Span.SequenceEqual(envelope.Span)) return;
        if (!_records.Writer.TryWrite((link.Peer, isLoopback, envelope))) _metrics.Told(nameof(AddressSource.Identify), PeerBookOutcome.Full);
    }

    /// <summary>Verifies signatures away from the loop that tells of links.</summary>
    private async Task VerifyAsync()
    {
        await foreach (var (teller, isLoopback, envelope) in _records.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (!PeerRecords.TryOpen(envelope.Span, out var peer, out var sequence, out var addresses) || peer != teller)
            {
                Tell(teller, AddressSource.Identify, static (_, _) => PeerBookOutcome.BadRecord);
                continue;
            }

            var reachable = addresses.Where(address => isLoopback || !address.IsLoopback).ToList();
            Tell(peer, AddressSource.Identify, (now, changed) => _core.NoteRecord(peer, sequence, reachable, envelope, isFirstHand: true, now, changed));
        }
    }
}
