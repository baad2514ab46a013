using System.Collections.Concurrent;
using Starling.Protocols.PubSub;
using Starling.Protocols.Streams;

namespace Starling.Net.PubSub;

/// <content>Validators.</content>
public sealed partial class PubSubService
{
    private readonly ConcurrentDictionary<WireTopic, TopicValidator> _validators = new();

    /// <summary>Whether there ever was one. To ask the dictionary whether it is empty takes all its locks, and every publish asks.</summary>
    private volatile bool _hasValidators;

    /// <summary>Has every message of a topic, or of the topics that a pattern matches, judged before it is delivered or handed on. Disposing ends it.</summary>
    /// <param name="topic">The topic or pattern.</param>
    /// <param name="validator">Judges. Of stream and link topics it is asked about each message of a bundle, and the bundle is taken when all are accepted, from gossip and out of a neighbour's log alike. What is not taken is told as missed.</param>
    /// <remarks>A verdict is awaited for <see cref="GossipOptions.ValidationTimeout"/>; then, and when the validator throws, the message is ignored. An own message that is not
    /// accepted ends as <see cref="PublishStatus.Rejected"/>. Where several patterns match a topic, one of their validators is asked; one for the topic itself goes first.</remarks>
    /// <exception cref="InvalidOperationException">The topic has a validator already.</exception>
    /// <exception cref="ObjectDisposedException">The node has stopped.</exception>
    public IDisposable Validate(Topic topic, TopicValidator validator)
    {
        ArgumentNullException.ThrowIfNull(topic);
        ArgumentNullException.ThrowIfNull(validator);
        ObjectDisposedException.ThrowIf(IsStopping, this);
        if (topic.Members is { } members) _wire.Admit(topic.Wire, members);
        var judging = _wire.Validate(topic.Wire, new MessageValidator(topic.Kind, validator));
        _validators[topic.Wire] = validator;
        _hasValidators = true;
        return new Validation(this, topic.Wire, judging);
    }

    /// <summary>Whether an own message may leave.</summary>
    private async Task<bool> IsAcceptedAsync(TopicValidator validator, Topic topic, ReadOnlyMemory<byte> data)
    {
        var candidate = new TopicCandidate(topic.Name, _wire.LocalPeer, _wire.LocalPeer, data);
        return await Verdicts.AskAsync(token => validator(candidate, token), topic.Name, _setting, CancellationToken.None).ConfigureAwait(false) == PubSubVerdict.Accept;
    }

    /// <summary>Whether an own message may leave at once. One whose verdict takes longer is as one that found no room: nobody got it.</summary>
    private bool TryJudge(Topic topic, ReadOnlySpan<byte> data, out PublishResult refused)
    {
        refused = default;
        if (FindValidator(topic) is not { } validator) return true;
        var accepted = IsAcceptedAsync(validator, topic, data.ToArray());
        if (accepted.IsCompletedSuccessfully && accepted.Result) return true;
        refused = new PublishResult(accepted.IsCompleted ? PublishStatus.Rejected : PublishStatus.Backpressured);
        return false;
    }

    private TopicValidator? FindValidator(Topic topic)
    {
        if (!_hasValidators) return null;
        if (_validators.TryGetValue(topic.Wire, out var validator)) return validator;
        foreach (var (pattern, other) in _validators)
        {
            if (pattern.Family == topic.Wire.Family && TopicNames.Matches(pattern.Name, topic.Wire.Name)) return other;
        }

        return null;
    }

    /// <summary>Asks about each message that a gossip message carries, in order, up to the first that is not accepted.</summary>
    private sealed class MessageValidator(TopicKind kind, TopicValidator validator) : ITopicValidator
    {
        public ValueTask<PubSubVerdict> ValidateAsync(PubSubMessage message, PeerId from, CancellationToken cancellationToken) =>
            kind == TopicKind.Plain ? validator(new TopicCandidate(message.Topic, message.Id.Origin, from, message.Data), cancellationToken) : ValidateBundleAsync(message, from, cancellationToken);

        private async ValueTask<PubSubVerdict> ValidateBundleAsync(PubSubMessage message, PeerId from, CancellationToken cancellationToken)
        {
            if (EnvelopeCodec.TryRead(message.Data.Span, out var header) != EnvelopeRefusal.None) return PubSubVerdict.Reject;
            var name = TopicNames.IsStream(message.Topic) ? message.Topic[TopicNames.StreamPrefix.Length..] : message.Topic;
            var cursor = new EnvelopeCursor(in header);
            while (cursor.TryNext(message.Data.Span, out var entry))
            {
                var candidate = new TopicCandidate(name, message.Id.Origin, from, message.Data.Slice(entry.Start, entry.Length));
                var verdict = await validator(candidate, cancellationToken).ConfigureAwait(false);
                if (verdict != PubSubVerdict.Accept) return verdict;
            }

            return PubSubVerdict.Accept;
        }
    }

    private sealed class Validation(PubSubService service, WireTopic topic, IDisposable judging) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
            service._validators.TryRemove(topic, out _);
            judging.Dispose();
        }
    }
}
