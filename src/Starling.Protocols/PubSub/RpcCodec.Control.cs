namespace Starling.Protocols.PubSub;

/// <content>Control messages (gossipsub 1.0 to 1.2). The extensions of 1.3 and whatever comes later are skipped.</content>
public static partial class RpcCodec
{
    private const int TopicField = 1;
    private const int IdsOfTopicField = 2;
    private const int PeersField = 2;
    private const int BackoffField = 3;
    private const int IdsField = 1;

    /// <summary>More than a signed record with 128 addresses takes.</summary>
    private const int MaxRecordBytes = 16 << 10;

    /// <summary>The longest backoff that is understood; more is taken at this.</summary>
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromDays(1);

    /// <summary>The bytes that entries of so many bytes take as the one control field of an RPC, its head included.</summary>
    public static int SizeOfControl(int entriesLength) => 1 + VarintSize(entriesLength) + entriesLength;

    /// <summary>Writes the head of an RPC's control field and returns its size; entries of exactly that length follow. One per RPC: some readers keep only the last.</summary>
    public static int WriteControlHead(Span<byte> to, int entriesLength)
    {
        to[0] = (ControlField << 3) | ProtobufReader.Bytes;
        return 1 + WriteVarint(to[1..], entriesLength);
    }

    /// <summary>The bytes that a control message takes as an entry of the control field.</summary>
    public static int SizeOfControlEntry(in GossipControl control, MessageIdForm form)
    {
        var body = SizeOfBody(in control, form);
        return 1 + VarintSize(body) + body;
    }

    /// <summary>Writes a control message as an entry of the control field and returns its size.</summary>
    public static int WriteControlEntry(Span<byte> to, in GossipControl control, MessageIdForm form)
    {
        to[0] = (byte)(((int)control.Kind + 1) << 3 | ProtobufReader.Bytes);
        var at = 1 + WriteVarint(to[1..], SizeOfBody(in control, form));
        if (HasTopic(control.Kind))
        {
            var name = StrictUtf8.GetByteCount(control.Topic);
            to[at++] = (TopicField << 3) | ProtobufReader.Bytes;
            at += WriteVarint(to[at..], name);
            at += StrictUtf8.GetBytes(control.Topic, to[at..]);
        }

        var field = control.Kind == GossipControlKind.IHave ? IdsOfTopicField : IdsField;
        foreach (var id in control.Ids.Span)
        {
            to[at++] = (byte)(field << 3 | ProtobufReader.Bytes);
            at += WriteVarint(to[at..], MessageIds.SizeOf(id, form));
            at += MessageIds.Write(to[at..], id, form);
        }

        if (control.Prune is not { } prune) return at;
        foreach (var peer in prune.Peers)
        {
            at += WriteBytesHead(to[at..], PeersField, SizeOfPeer(peer));
            at += WriteBytes(to[at..], 1, peer.Peer.Bytes);
            if (peer.SignedRecord.Length > 0) at += WriteBytes(to[at..], 2, peer.SignedRecord.Span);
        }

        if (prune.Backoff is not { } backoff) return at;
        to[at++] = (BackoffField << 3) | ProtobufReader.Varint;
        return at + WriteVarint(to[at..], Seconds(backoff));
    }

    private static bool HasTopic(GossipControlKind kind) => kind is GossipControlKind.IHave or GossipControlKind.Graft or GossipControlKind.Prune;

    private static int SizeOfBody(in GossipControl control, MessageIdForm form)
    {
        var size = HasTopic(control.Kind) ? SizeOfBytes(StrictUtf8.GetByteCount(control.Topic)) : 0;
        foreach (var id in control.Ids.Span) size += SizeOfBytes(MessageIds.SizeOf(id, form));
        if (control.Prune is not { } prune) return size;
        foreach (var peer in prune.Peers) size += SizeOfBytes(SizeOfPeer(peer));
        return prune.Backoff is { } backoff ? size + 1 + VarintSize(Seconds(backoff)) : size;
    }

    private static int SizeOfPeer(in ExchangedPeer peer) =>
        SizeOfBytes(peer.Peer.Bytes.Length) + (peer.SignedRecord.Length > 0 ? SizeOfBytes(peer.SignedRecord.Length) : 0);

    private static int SizeOfBytes(int length) => 1 + VarintSize(length) + length;

    private static int WriteBytesHead(Span<byte> to, int field, int length)
    {
        to[0] = (byte)(field << 3 | ProtobufReader.Bytes);
        return 1 + WriteVarint(to[1..], length);
    }

    private static int WriteBytes(Span<byte> to, int field, ReadOnlySpan<byte> value)
    {
        var at = WriteBytesHead(to, field, value.Length);
        value.CopyTo(to[at..]);
        return at + value.Length;
    }

    /// <summary>Whole seconds, upwards: nobody is told less than is meant.</summary>
    private static int Seconds(TimeSpan backoff) => (int)Math.Clamp(Math.Ceiling(backoff.TotalSeconds), 0, MaxBackoff.TotalSeconds);

    private static PubSubRefusal ReadControl(ReadOnlySpan<byte> body, RpcField whole, PubSubOptions options, Rpc rpc)
    {
        rpc.HasControl = true;
        var reader = new ProtobufReader(whole.In(body));
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return PubSubRefusal.Malformed;
            if (field - 1 > (int)GossipControlKind.IDontWant)
            {
                if (!reader.TrySkip(wireType)) return PubSubRefusal.Malformed;
                continue;
            }

            if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out var start, out var length)) return PubSubRefusal.Malformed;
            var refusal = ReadEntry(body, (GossipControlKind)(field - 1), new RpcField(whole.Start + start, length), options, rpc);
            if (refusal != PubSubRefusal.None) return refusal;
        }

        return PubSubRefusal.None;
    }

    private static PubSubRefusal ReadEntry(ReadOnlySpan<byte> body, GossipControlKind kind, RpcField whole, PubSubOptions options, Rpc rpc)
    {
        if (rpc.Controls.Length >= options.MaxControlsPerRpc) return PubSubRefusal.TooManyControls;
        var control = new RpcControl { Kind = kind, Whole = whole, FirstId = rpc.Ids.Length };
        var idField = kind switch
        {
            GossipControlKind.IHave => IdsOfTopicField,
            GossipControlKind.IWant or GossipControlKind.IDontWant => IdsField,
            _ => 0,
        };
        var reader = new ProtobufReader(whole.In(body));
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return PubSubRefusal.Malformed;
            if (field == idField || (field == TopicField && HasTopic(kind)))
            {
                if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out var start, out var length)) return PubSubRefusal.Malformed;
                var value = new RpcField(whole.Start + start, length);
                if (field != idField)
                {
                    control.Topic = value;
                    continue;
                }

                if (rpc.Ids.Length >= options.MaxIdsPerRpc) return PubSubRefusal.TooManyIds;
                rpc.Add(value);
                control.IdCount++;
            }
            else if (!reader.TrySkip(wireType))
            {
                return PubSubRefusal.Malformed;
            }
        }

        rpc.Add(in control);
        return PubSubRefusal.None;
    }

    /// <summary>Reads what a PRUNE says beside its topic. Peers beyond the bound, and those without an id, are left out; a backoff beyond any sense is taken at a day.</summary>
    internal static PruneDetail ReadPrune(ReadOnlyMemory<byte> body, RpcField whole, int maxPeers)
    {
        TimeSpan? backoff = null;
        List<ExchangedPeer>? peers = null;
        var prune = body.Slice(whole.Start, whole.Length);
        var reader = new ProtobufReader(prune.Span);
        while (!reader.AtEnd && reader.TryReadTag(out var field, out var wireType))
        {
            if (field == BackoffField && wireType == ProtobufReader.Varint && reader.TryReadVarint(out var seconds))
            {
                backoff = TimeSpan.FromSeconds(Math.Min(seconds, (ulong)MaxBackoff.TotalSeconds));
            }
            else if (field == PeersField && wireType == ProtobufReader.Bytes && reader.TryReadBytes(out var start, out var length))
            {
                if ((peers?.Count ?? 0) < maxPeers && TryReadPeer(prune.Slice(start, length), out var peer)) (peers ??= []).Add(peer);
            }
            else if (!reader.TrySkip(wireType))
            {
                break;
            }
        }

        return new PruneDetail(backoff, peers ?? (IReadOnlyList<ExchangedPeer>)[]);
    }

    private static bool TryReadPeer(ReadOnlyMemory<byte> entry, out ExchangedPeer peer)
    {
        peer = default;
        PeerId? id = null;
        ReadOnlyMemory<byte> record = default;
        var reader = new ProtobufReader(entry.Span);
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return false;
            if (field > 2)
            {
                if (!reader.TrySkip(wireType)) return false;
                continue;
            }

            if (wireType != ProtobufReader.Bytes || !reader.TryReadBytes(out var start, out var length)) return false;
            if (field == 1 && !PeerId.TryFromBytes(entry.Span.Slice(start, length), out id)) return false;
            if (field == 2 && length <= MaxRecordBytes) record = entry.Slice(start, length);
        }

        if (id is null) return false;
        peer = new ExchangedPeer(id, record);
        return true;
    }
}
