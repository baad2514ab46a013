using Starling.Protocols.PubSub.Scoring;

namespace Starling.Protocols.PubSub;

/// <content>New messages, and the gate that keeps those of validated topics until their verdict: till then they are neither handed on nor gossiped about nor given to anybody who asks.</content>
public sealed partial class PubSubCore
{
    private readonly List<PubSubMessage> _late = [];

    /// <summary>A validator's verdict on a message of a <see cref="PubSubEffectKind.Validate"/>. False when it waits no longer: it was judged, or took too long.</summary>
    /// <remarks>Whatever the verdict, further copies are known ones. A rejected message counts against those who bring it, also later.</remarks>
    public bool Judge(PubSubMessage message, PubSubVerdict verdict, Instant now, ICollection<PubSubEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(effects);
        if (!_pending.TryTake(message, out var from)) return false;
        if (verdict != PubSubVerdict.Accept)
        {
            var rejected = verdict == PubSubVerdict.Reject;
            Counters.Count(rejected ? PubSubRefusal.RejectedByValidator : PubSubRefusal.IgnoredByValidator);
            Score?.Reject(from, message.Id, message.Topic, rejected ? ScoreRejection.Invalid : ScoreRejection.Ignored, now);
        }
        else if (FindTaken(message.Topic, keep: false) is { } topic)
        {
            Spread(message, topic, from, now, effects);
        }
        else
        {
            Counters.Count(PubSubRefusal.NotSubscribed);
        }

        return true;
    }

    /// <summary>A new message of a followed topic is there.</summary>
    private void TakeIn(PubSubMessage message, TopicState topic, PeerId from, Instant now, ICollection<PubSubEffect> effects)
    {
        topic.LastMessage = now;
        if (topic.IsMatched && !topic.IsFollowed) JoinByPattern(topic, now, effects);
        if (message.Size >= _gossip.IDontWantSize) SendIDontWant(message.Id, topic, from, effects);
        if (!topic.Rules.IsValidated)
        {
            Spread(message, topic, from, now, effects);
            return;
        }

        Score?.Validate(message.Id, now);
        _pending.Add(message, from, now);
        effects.Add(new PubSubEffect(PubSubEffectKind.Validate, from, message.Topic, message));
    }

    private void IgnoreLate(Instant now)
    {
        if (_pending.Count == 0) return;
        _pending.FindLate(now, _late);
        foreach (var message in _late)
        {
            if (!_pending.TryTake(message, out var from)) continue;
            Counters.Count(PubSubRefusal.ValidationTimeout);
            Score?.Reject(from, message.Id, message.Topic, ScoreRejection.Ignored, now);
        }

        _late.Clear();
    }
}
