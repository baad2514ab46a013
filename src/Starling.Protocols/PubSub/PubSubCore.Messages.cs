using System.Buffers.Binary;
using System.Text.Unicode;
using Starling.Protocols.PubSub.Scoring;

namespace Starling.Protocols.PubSub;

/// <content>Messages that come in, in three steps so that the heavy one, the signature, is done outside the router's turn.</content>
public sealed partial class PubSubCore
{
    /// <summary>First step: takes subscriptions and control messages in and screens the messages. Whatever is known, foreign or unfit is done with here, before any signature is looked at.</summary>
    /// <param name="from">The neighbour that sent it.</param>
    /// <param name="rpc">A decoded RPC.</param>
    /// <param name="now">The present.</param>
    /// <param name="effects">Receives what follows from it.</param>
    /// <returns>How many messages wait for <see cref="Rpc.VerifySignatures"/> and then <see cref="Accept"/>; with 0 the RPC is done with.</returns>
    public int Receive(PeerId from, Rpc rpc, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(rpc);
        ArgumentNullException.ThrowIfNull(effects);
        for (var bad = 0; bad < rpc.BadSubscriptions; bad++) Counters.Count(PubSubRefusal.BadTopic);

        // Without its link a neighbour follows nothing any more; the messages that it sent before the link ended still count.
        if (_neighbours.TryGetValue(from, out var neighbour))
        {
            if (IsGraylisted(neighbour)) return 0;
            foreach (var entry in rpc.Subscriptions) ReceiveSubscription(neighbour, entry, now, effects);
        }

        var waiting = 0;
        var body = rpc.Body.Span;
        foreach (ref var message in rpc.Messages)
        {
            message.State = RpcMessageState.Done;
            message.Refusal = Screen(body, from, ref message, out var topic);
            if (message.Refusal != PubSubRefusal.None)
            {
                Refuse(from, in message, now);
            }
            else if (!IsKnown(message.Id, topic!, from, now))
            {
                message.State = Policy == OriginPolicy.Signed ? RpcMessageState.Unchecked : RpcMessageState.Verified;
                waiting++;
            }
        }

        if (neighbour is not null) ReceiveControls(neighbour, rpc, now, effects);
        return waiting;
    }

    /// <summary>Last step, after the signatures were checked: marks what holds as seen, delivers it and hands it on, or has it judged first.</summary>
    /// <remarks>The message's bytes are copied once; deliveries and sends share the copy.</remarks>
    public void Accept(PeerId from, Rpc rpc, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(rpc);
        ArgumentNullException.ThrowIfNull(effects);
        foreach (ref var entry in rpc.Messages)
        {
            if (entry.State == RpcMessageState.Failed) Refuse(from, in entry, now);
            if (entry.State != RpcMessageState.Verified) continue;
            entry.State = RpcMessageState.Done;
            _origins.Keep(entry.Origin!);
            var topic = FindTaken(entry.TopicName!, keep: true);
            if (topic is null) Counters.Count(PubSubRefusal.NotSubscribed);
            else if (IsMarked(entry.Id, topic, entry.Whole.Length, from, now)) TakeIn(Copy(rpc.Body, in entry), topic, from, now, effects);
        }
    }

    /// <summary>Takes one message in whose signature, if it needs one, is known to hold.</summary>
    public void ReceiveMessage(PeerId from, PubSubMessage message, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(effects);
        if (_neighbours.TryGetValue(from, out var neighbour) && IsGraylisted(neighbour)) return;
        var topic = FindTaken(message.Topic, keep: true);
        var refusal = topic is null ? PubSubRefusal.NotSubscribed : ScreenOrigin(topic, from, message.Id.Origin);
        if (refusal != PubSubRefusal.None) Counters.Count(refusal);
        else if (!IsKnown(message.Id, topic!, from, now) && IsMarked(message.Id, topic!, message.Size, from, now)) TakeIn(message, topic!, from, now, effects);
    }

    /// <summary>Counts an RPC that could not be decoded.</summary>
    public void CountRefusal(PubSubRefusal reason) => Counters.Count(reason);

    private bool IsGraylisted(Neighbour neighbour)
    {
        if (Score is null || ScoreOf(neighbour) >= Score.Thresholds.Graylist) return false;
        Counters.Count(PubSubRefusal.Graylisted);
        return true;
    }

    private PubSubRefusal Screen(ReadOnlySpan<byte> body, PeerId from, ref RpcMessage message, out TopicState? topic)
    {
        topic = null;
        if (message.Whole.Length > _options.MaxMessageBytes) return PubSubRefusal.MessageTooLarge;
        if (!TryFindTaken(message.Topic.In(body), out topic)) return PubSubRefusal.BadTopic;
        if (topic is null) return PubSubRefusal.NotSubscribed;
        message.TopicName = topic.Name;
        if (Policy == OriginPolicy.Signed ? !message.Signature.IsPresent : message.Signature.IsPresent || message.Key.IsPresent)
        {
            return Policy == OriginPolicy.Signed ? PubSubRefusal.Unsigned : PubSubRefusal.UnexpectedSignature;
        }

        if (message.SequenceNumber.Length != sizeof(ulong)) return PubSubRefusal.BadSequenceNumber;
        if (!TryFindOrigin(message.From.In(body), out message.Origin)) return PubSubRefusal.BadOrigin;
        message.Id = new MessageId(message.Origin!.Id, BinaryPrimitives.ReadUInt64BigEndian(message.SequenceNumber.In(body)));
        return ScreenOrigin(topic, from, message.Id.Origin);
    }

    private PubSubRefusal ScreenOrigin(TopicState topic, PeerId from, PeerId origin)
    {
        if (origin.Equals(_local)) return PubSubRefusal.OwnOrigin;
        return IsMember(topic.Rules, origin) && IsMember(topic.Rules, from) ? PubSubRefusal.None : PubSubRefusal.NotMember;
    }

    private void Refuse(PeerId from, in RpcMessage message, Instant now)
    {
        Counters.Count(message.Refusal);
        var isUnauthentic = message.Refusal is PubSubRefusal.Unsigned or PubSubRefusal.UnexpectedSignature or PubSubRefusal.BadSequenceNumber
            or PubSubRefusal.BadOrigin or PubSubRefusal.BadKey or PubSubRefusal.BadSignature;
        if (isUnauthentic) Score?.Reject(from, message.Id, message.TopicName!, ScoreRejection.Unauthentic, now);
    }

    /// <summary>Whether a message was seen before, which is counted, and told to the score.</summary>
    private bool IsKnown(MessageId id, TopicState topic, PeerId from, Instant now) => IsKnown(_seen.Find(id, topic, now), id, topic, from, now);

    private bool IsKnown(SeenState state, MessageId id, TopicState topic, PeerId from, Instant now)
    {
        if (state == SeenState.New) return false;
        if (state == SeenState.Stale)
        {
            Counters.Count(PubSubRefusal.Stale);
            return true;
        }

        Counters.CountDuplicate();
        Score?.Duplicate(from, id, topic.Name, now);
        return true;
    }

    /// <summary>Marks a good message as seen; false when it was, or when it has to wait for a verdict and there is no room for that: then it may come again.</summary>
    private bool IsMarked(MessageId id, TopicState topic, int size, PeerId from, Instant now)
    {
        if (topic.Rules.IsValidated && !_pending.HasRoom(size) && _seen.Find(id, topic, now) == SeenState.New)
        {
            Counters.Count(PubSubRefusal.ValidationOverload);
            _promises.Keep(id);
            return false;
        }

        if (IsKnown(_seen.Add(id, topic, now), id, topic, from, now)) return false;
        _promises.Keep(id);
        return true;
    }

    /// <summary>Finds a topic whose messages are taken without making a string; null when it is a good name that this node does not follow.</summary>
    private bool TryFindTaken(ReadOnlySpan<byte> utf8, out TopicState? topic)
    {
        topic = null;
        if (utf8.Length == 0 || utf8.Length > _options.MaxTopicBytes) return false;
        var name = utf8.Length <= 512 ? stackalloc char[utf8.Length] : new char[utf8.Length];
        if (Utf8.ToUtf16(utf8, name, out _, out var length, replaceInvalidSequences: false) != global::System.Buffers.OperationStatus.Done) return false;
        if (_topics.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name[..length], out topic))
        {
            if (!topic.IsTaken) topic = null;
        }
        else if (_patterns.Count > 0)
        {
            topic = FindTaken(name[..length].ToString(), keep: false);
        }

        return true;
    }

    /// <summary>The topic, if its messages are taken. One that is known only because a pattern means it is kept for further messages, as long as there are not too many of that sort.</summary>
    private TopicState? FindTaken(string name, bool keep)
    {
        if (_topics.TryGetValue(name, out var topic)) return topic.IsTaken ? topic : null;
        if (_patterns.Count == 0) return null;
        topic = NewState(name);
        if (!topic.IsMatched) return null;
        if (!keep || _kept.Count >= _gossip.MaxPatternTopics) return topic;
        topic.IsKept = true;
        _kept.Add(topic);
        _topics.Add(name, topic);
        return topic;
    }

    private bool TryFindOrigin(ReadOnlySpan<byte> id, out MessageOrigin? origin)
    {
        if (_origins.TryGet(id, out origin)) return true;
        if (!PeerId.TryFromBytes(id, out var peer)) return false;
        origin = new MessageOrigin(peer);
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
