using System.Buffers.Binary;
using System.Text.Unicode;

namespace Starling.Protocols.PubSub;

/// <content>Messages: published here, or received in three steps so that the heavy one, the signature, is done outside the router's turn.</content>
public sealed partial class PubSubCore
{
    /// <summary>First step: takes the subscriptions in and screens the messages. Whatever is known, foreign or unfit is done with here, before any signature is looked at.</summary>
    /// <param name="from">The neighbour that sent it.</param>
    /// <param name="rpc">A decoded RPC.</param>
    /// <param name="now">The present.</param>
    /// <param name="effects">Receives changes of who follows what.</param>
    /// <returns>How many messages wait for <see cref="Rpc.VerifySignatures"/> and then <see cref="Accept"/>; with 0 the RPC is done with.</returns>
    public int Receive(PeerId from, Rpc rpc, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(rpc);
        for (var bad = 0; bad < rpc.BadSubscriptions; bad++) Counters.Count(PubSubRefusal.BadTopic);

        // Without its link a neighbour follows nothing any more; the messages that it sent before the link ended still count.
        if (_neighbours.TryGetValue(from, out var neighbour))
        {
            foreach (var entry in rpc.Subscriptions) ReceiveSubscription(neighbour, entry, effects);
        }

        var waiting = 0;
        var body = rpc.Body.Span;
        foreach (ref var message in rpc.Messages)
        {
            message.Refusal = Screen(body, ref message);
            if (message.Refusal != PubSubRefusal.None)
            {
                Counters.Count(message.Refusal);
                message.State = RpcMessageState.Done;
            }
            else if (_seen.Contains(message.Id, now))
            {
                Counters.CountDuplicate();
                message.State = RpcMessageState.Done;
            }
            else
            {
                message.State = RpcMessageState.Unchecked;
                waiting++;
            }
        }

        return waiting;
    }

    /// <summary>Last step, after the signatures were checked: marks what holds as seen, delivers it and hands it on.</summary>
    /// <remarks>The message's bytes are copied once; deliveries and sends share the copy.</remarks>
    public void Accept(PeerId from, Rpc rpc, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(rpc);
        ArgumentNullException.ThrowIfNull(effects);
        foreach (ref var entry in rpc.Messages)
        {
            if (entry.State == RpcMessageState.Failed) Counters.Count(entry.Refusal);
            if (entry.State != RpcMessageState.Verified) continue;
            entry.State = RpcMessageState.Done;
            _origins.Keep(entry.Origin!);
            if (!_seen.TryAdd(entry.Id, now))
            {
                Counters.CountDuplicate();
                continue;
            }

            if (!_topics.Contains(entry.TopicName!))
            {
                Counters.Count(PubSubRefusal.NotSubscribed);
                continue;
            }

            TakeIn(Copy(rpc.Body, in entry), from, effects);
        }
    }

    /// <summary>Counts an RPC that could not be decoded.</summary>
    public void CountRefusal(PubSubRefusal reason) => Counters.Count(reason);

    /// <summary>Sends a message of this node to every neighbour that follows its topic.</summary>
    /// <returns>How many neighbours follow it.</returns>
    public int Publish(PubSubMessage message, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(effects);
        Counters.CountPublished();
        if (_options.EchoOwnMessages && _topics.Contains(message.Topic))
        {
            effects.Add(new PubSubEffect(PubSubEffectKind.Deliver, _local, message.Topic, message));
        }

        return ForEachReceiver(message, _local, effects);
    }

    private void TakeIn(PubSubMessage message, PeerId from, ICollection<PubSubEffect> effects)
    {
        Counters.CountDelivered();
        effects.Add(new PubSubEffect(PubSubEffectKind.Deliver, from, message.Topic, message));
        ForEachReceiver(message, from, effects);
    }

    private int ForEachReceiver(PubSubMessage message, PeerId from, ICollection<PubSubEffect> effects)
    {
        if (!_followers.TryGetValue(message.Topic, out var followers)) return 0;
        var count = 0;
        foreach (var follower in followers)
        {
            if (follower.Id.Equals(from) || follower.Id.Equals(message.Id.Origin)) continue;
            effects.Add(new PubSubEffect(PubSubEffectKind.Send, follower.Id, message.Topic, message));
            if (!from.Equals(_local)) Counters.CountForwarded();
            count++;
        }

        return count;
    }

    private PubSubRefusal Screen(ReadOnlySpan<byte> body, ref RpcMessage message)
    {
        if (message.Whole.Length > _options.MaxMessageBytes) return PubSubRefusal.MessageTooLarge;
        if (!TryFindTopic(message.Topic.In(body), out message.TopicName)) return PubSubRefusal.BadTopic;
        if (message.TopicName is null) return PubSubRefusal.NotSubscribed;
        if (!message.Signature.IsPresent) return PubSubRefusal.Unsigned;
        if (message.SequenceNumber.Length != sizeof(ulong)) return PubSubRefusal.BadSequenceNumber;
        if (!TryFindOrigin(message.From.In(body), out message.Origin)) return PubSubRefusal.BadOrigin;
        if (message.Origin!.Id.Equals(_local)) return PubSubRefusal.OwnOrigin;
        message.Id = new MessageId(message.Origin.Id, BinaryPrimitives.ReadUInt64BigEndian(message.SequenceNumber.In(body)));
        return PubSubRefusal.None;
    }

    /// <summary>Finds the followed topic without making a string; null when it is a good name that this node does not follow.</summary>
    private bool TryFindTopic(ReadOnlySpan<byte> utf8, out string? topic)
    {
        topic = null;
        if (utf8.Length == 0 || utf8.Length > _options.MaxTopicBytes) return false;
        var name = utf8.Length <= 512 ? stackalloc char[utf8.Length] : new char[utf8.Length];
        if (Utf8.ToUtf16(utf8, name, out _, out var length, replaceInvalidSequences: false) != global::System.Buffers.OperationStatus.Done) return false;
        _topics.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name[..length], out topic);
        return true;
    }

    private bool TryFindOrigin(ReadOnlySpan<byte> id, out MessageOrigin? origin)
    {
        if (_origins.TryGet(id, out origin)) return true;
        if (!PeerId.TryFromBytes(id, out var peer)) return false;
        origin = new MessageOrigin(peer!);
        return true;
    }

    private static PubSubMessage Copy(ReadOnlyMemory<byte> body, in RpcMessage entry)
    {
        var encoded = new byte[entry.Whole.Length];
        entry.Whole.In(body.Span).CopyTo(encoded);
        var data = entry.Data.IsPresent ? encoded.AsMemory(entry.Data.Start - entry.Whole.Start, entry.Data.Length) : default;
        return new PubSubMessage(entry.Id, entry.TopicName!, encoded, data);
    }
}
