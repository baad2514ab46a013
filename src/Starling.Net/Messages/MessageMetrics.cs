using System.Diagnostics.Metrics;
using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>The instruments of messages: meter <c>Starling.Messages</c>. No tag holds text that a peer chose.</summary>
internal sealed class MessageMetrics : IDisposable
{
    public const string MeterName = "Starling.Messages";
    private readonly Meter _meter;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _received;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _duplicates;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _handlerFailures;
    private readonly Counter<long> _unhandled;
    private readonly Counter<long> _forwarded;
    private readonly Counter<long> _saved;

    public MessageMetrics(IMeterFactory? factory, Func<long> evicted)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _sent = _meter.CreateCounter<long>("starling.messages.sent", "{message}", "Messages sent, one per peer, by outcome.");
        _received = _meter.CreateCounter<long>("starling.messages.received", "{message}", "New messages that were taken in.");
        _refused = _meter.CreateCounter<long>("starling.messages.refused", "{message}", "Messages of peers that were refused, by reason.");
        _duplicates = _meter.CreateCounter<long>("starling.messages.duplicates", "{message}", "Messages that had come already.");
        _dropped = _meter.CreateCounter<long>("starling.messages.dropped", "{message}", "Messages that were taken in and dropped, by reason.");
        _handlerFailures = _meter.CreateCounter<long>("starling.messages.handler_failures", "{failure}", "Handlers that threw.");
        _unhandled = _meter.CreateCounter<long>("starling.messages.unhandled", "{message}", "Messages that nobody has subscribed to.");
        _forwarded = _meter.CreateCounter<long>("starling.messages.forwarded", "{message}", "Messages handed on, one per peer, by outcome.");
        _saved = _meter.CreateCounter<long>("starling.messages.compression.saved", "By", "Bytes that compression kept off the wire.");
        _meter.CreateObservableCounter("starling.messages.seen.evicted", evicted, "{message}", "Messages forgotten early because too many came.");
    }

    public void Sent(SendStatus status) => _sent.Add(1, Tag("outcome", status.ToString()));

    public void Received() => _received.Add(1);

    public void Refused(MessageRefusal refusal) => _refused.Add(1, Tag("reason", refusal.ToString()));

    public void Duplicate() => _duplicates.Add(1);

    public void Dropped(string reason) => _dropped.Add(1, Tag("reason", reason));

    public void HandlerFailed() => _handlerFailures.Add(1);

    public void Unhandled() => _unhandled.Add(1);

    public void Forwarded(SendStatus status) => _forwarded.Add(1, Tag("outcome", status.ToString()));

    public void Saved(long bytes) => _saved.Add(bytes);

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
