using System.Security.Cryptography;
using Starling.Net.Links;
using Starling.Protocols.Discovery;
using Starling.Protocols.Links;

namespace Starling.Net.Exchange;

/// <content>Messages, and what is made of the records in them.</content>
public sealed partial class PeerExchange
{
    private const int MaxSeen = 8192;
    private readonly Lock _seenGate = new();
    private readonly Dictionary<UInt128, PeerId> _seen = [];
    private readonly Queue<UInt128> _seenOrder = new();

    private async Task ServeAsync(IStream stream, CancellationToken cancellationToken)
    {
        var peer = stream.Connection.RemotePeer;
        stream.Priority = StreamPriority.Control;
        using var time = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken, _stop.Token);
        try
        {
            var message = await ReadAsync(stream, either.Token).ConfigureAwait(false);
            if (!SharesOf(peer).Messages.TryTake(_clock.Now()))
            {
                _metrics.Message("flooded");
                stream.Reset();
                return;
            }

            _metrics.Message(message.Kind switch { ExchangeKind.Request => "request", ExchangeKind.List => "list", _ => "refreshing" });
            switch (message.Kind)
            {
                case ExchangeKind.Request:
                    if (_host.Find(peer) is not { } link) return;
                    await stream.WriteLengthDelimitedAsync(ExchangeCodec.Write(ListFor(link, message.Max)), either.Token).ConfigureAwait(false);
                    break;
                case ExchangeKind.List:
                    Take(stream.Connection, message.Records!);
                    break;
                default:
                    OnNeighbourRefreshed();
                    break;
            }
        }
        catch (ProtocolViolationException error)
        {
            _metrics.Message("malformed");
            _log.Refused(peer, error.Message);
            stream.Reset();
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
        {
            _log.Failed(peer, "it did not say what it wants in time");
            stream.Reset();
        }
    }

    private async Task<int> AskAsync(IPeerLink link, int max, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken, _stop.Token);
        await using var stream = await link.OpenStreamAsync([ExchangeCodec.Protocol], either.Token).ConfigureAwait(false);
        stream.Priority = StreamPriority.Control;
        var wanted = max == 0 ? _options.MaxRecords : Math.Min(max, ExchangeCodec.MaxRecords);
        await stream.WriteLengthDelimitedAsync(ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.Request, wanted)), either.Token).ConfigureAwait(false);
        await stream.CloseWriteAsync(either.Token).ConfigureAwait(false);
        var answer = await ReadAsync(stream, either.Token).ConfigureAwait(false);
        if (answer.Kind != ExchangeKind.List) throw new ProtocolViolationException($"peer exchange was answered by a message of kind {answer.Kind}");
        return Take(link.Connection, [.. answer.Records!.Take(wanted)]);
    }

    /// <summary>Sends a message that has no answer, and waits until the neighbour has read it.</summary>
    private static async Task<bool?> SendAsync(IPeerLink link, ExchangeMessage message, CancellationToken cancellationToken)
    {
        await using var stream = await link.OpenStreamAsync([ExchangeCodec.Protocol], cancellationToken).ConfigureAwait(false);
        stream.Priority = StreamPriority.Control;
        await stream.WriteLengthDelimitedAsync(ExchangeCodec.Write(message), cancellationToken).ConfigureAwait(false);
        await stream.CloseWriteAsync(cancellationToken).ConfigureAwait(false);
        await stream.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static async Task<ExchangeMessage> ReadAsync(IStream stream, CancellationToken cancellationToken)
    {
        var bytes = await stream.ReadLengthDelimitedAsync(ExchangeCodec.MaxMessageBytes, cancellationToken).ConfigureAwait(false)
            ?? throw new ProtocolViolationException("peer exchange ended before its first message");
        return ExchangeCodec.TryRead(bytes, out var message, out var error) ? message : throw new ProtocolViolationException(error);
    }

    /// <summary>This node's own record, then those of others that it knows at first hand, linked ones before those that were.</summary>
    private ExchangeMessage ListFor(IPeerLink link, int max)
    {
        var records = new List<ReadOnlyMemory<byte>> { _own.Envelope };
        var since = _clock.GetUtcNow() - _options.RetainTime;
        PeerEntry[] entries = [.. _book.Peers.Where(entry => !entry.SignedRecord.IsEmpty && !entry.IsDead && !entry.Peer.Equals(link.Peer) && (entry.IsLinked || (entry.Failures == 0 && entry.LastSeen >= since)))];
        _random.Shuffle(entries.AsSpan());
        var room = ExchangeCodec.MaxMessageBytes - 1024 - records[0].Length;
        foreach (var entry in entries.OrderByDescending(entry => entry.IsLinked))
        {
            room -= entry.SignedRecord.Length + ExchangeCodec.RecordOverhead;
            if (records.Count >= Math.Min(max, _options.MaxRecords) || room < 0) break;
            records.Add(entry.SignedRecord);
        }

        return new ExchangeMessage(ExchangeKind.List, Records: records);
    }

    /// <summary>Takes records that a neighbour told. Returns how many were new.</summary>
    private int Take(IConnection teller, IReadOnlyList<ReadOnlyMemory<byte>> records)
    {
        var (news, forged) = (0, 0);
        foreach (var envelope in records.Take(_options.MaxRecords))
        {
            var outcome = Judge(teller.RemotePeer, envelope, out var peer);
            _metrics.Record(outcome);
            if (outcome == RecordOutcome.Forged) forged++;
            if (outcome == RecordOutcome.News) news++;
            if (outcome is RecordOutcome.News or RecordOutcome.Known) Offer(peer!, teller.RemoteAddress.IsLoopback);
        }

        if (forged > 0) _log.Forged(teller.RemotePeer, forged);
        if (news > 0) OnPeerAppeared(isNews: false);
        return news;
    }

    private RecordOutcome Judge(PeerId teller, ReadOnlyMemory<byte> envelope, out PeerId? peer)
    {
        var mark = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(envelope.Span));
        lock (_seenGate)
        {
            if (_seen.TryGetValue(mark, out peer)) return RecordOutcome.Known;
        }

        if (!SharesOf(teller).Verifications.TryTake(_clock.Now())) return RecordOutcome.Flooded;
        if (!SignedPeerRecord.TryOpen(envelope.Span, out var record)) return RecordOutcome.Forged;
        if (record.Peer.Equals(_host.LocalPeer)) return RecordOutcome.Own;
        peer = record.Peer;
        if (_book.Find(peer) is { } known && known.RecordSequence >= record.Sequence)
        {
            if (!known.SignedRecord.Span.SequenceEqual(envelope.Span)) return RecordOutcome.Stale;
            Remember(mark, peer);
            return RecordOutcome.Known;
        }

        if (!_book.AddRecord(record.Envelope)) return RecordOutcome.NotNoted;
        Remember(mark, peer);
        return RecordOutcome.News;
    }

    /// <summary>Only records that are taken are remembered: others are without number.</summary>
    private void Remember(UInt128 mark, PeerId peer)
    {
        lock (_seenGate)
        {
            if (!_seen.TryAdd(mark, peer)) return;
            _seenOrder.Enqueue(mark);
            if (_seenOrder.Count > MaxSeen) _seen.Remove(_seenOrder.Dequeue());
        }
    }

    private Shares SharesOf(PeerId peer)
    {
        var shares = _shares.GetOrAdd(peer, static (_, options) => new Shares(options), _options);

        // The link may have ended, and its end been told, before they were noted: nobody else would remove them.
        if (_host.Find(peer) is null) _shares.TryRemove(KeyValuePair.Create(peer, shares));
        return shares;
    }
}
