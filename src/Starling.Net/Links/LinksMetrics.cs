using System.Diagnostics.Metrics;

namespace Starling.Net.Links;

/// <summary>The metrics of links, meter <c>Starling.Links</c>. One per node. No tag holds text that a peer chose.</summary>
public sealed class LinksMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Starling.Links";

    private readonly Meter _meter;
    private readonly UpDownCounter<long> _ready;
    private readonly Counter<long> _opened;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _dials;
    private readonly Counter<long> _accepts;
    private readonly Counter<long> _streams;
    private readonly Counter<long> _identify;
    private readonly Counter<long> _skipped;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _control;
    private readonly Histogram<double> _roundTrip;

    /// <summary>Creates the instruments in the factory's meter, or in a meter of its own.</summary>
    public LinksMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _ready = _meter.CreateUpDownCounter<long>("starling.links.ready", "{link}", "Links that are ready.");
        _opened = _meter.CreateCounter<long>("starling.links.opened", "{link}", "Links that were authenticated, by direction.");
        _closed = _meter.CreateCounter<long>("starling.links.closed", "{link}", "Links that ended, by reason.");
        _dials = _meter.CreateCounter<long>("starling.links.dials", "{dial}", "Requests to connect, by outcome.");
        _accepts = _meter.CreateCounter<long>("starling.links.accepts", "{connection}", "Raw connections accepted, by outcome.");
        _streams = _meter.CreateCounter<long>("starling.links.streams", "{stream}", "Inbound streams, by outcome.");
        _identify = _meter.CreateCounter<long>("starling.links.identify", "{message}", "Identify messages read, by kind and outcome.");
        _skipped = _meter.CreateCounter<long>("starling.links.identify.skipped", "{entry}", "Addresses and protocol ids of identify that were passed over.");
        _refusals = _meter.CreateCounter<long>("starling.links.refusals", "{link}", "Links that a gate refused, by point and reason.");
        _control = _meter.CreateCounter<long>("starling.links.control", "{message}", "Messages about the link itself, by what became of them.");
        _roundTrip = _meter.CreateHistogram<double>("starling.links.round_trip", "s", "Round trips measured.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Ready(int change) => _ready.Add(change);

    internal void Opened(Direction direction) => _opened.Add(1, Tag("direction", direction == Direction.Inbound ? "in" : "out"));

    internal void Closed(CloseReason reason) => _closed.Add(1, Tag("reason", reason.ToString()));

    internal void Dialled(HandshakeFailure? failure) => _dials.Add(1, Tag("outcome", failure?.ToString() ?? "Connected"));

    internal void Accepted(string outcome) => _accepts.Add(1, Tag("outcome", outcome));

    internal void Stream(StreamOutcome outcome) => _streams.Add(1, Tag("outcome", outcome.ToString()));

    internal void Identify(string kind, bool accepted) => _identify.Add(1, Tag("kind", kind), Tag("outcome", accepted ? "accepted" : "refused"));

    internal void Skipped(int entries) => _skipped.Add(entries);

    internal void Refused(string point, CloseReason reason) => _refusals.Add(1, Tag("point", point), Tag("reason", reason.ToString()));

    internal void Control(ControlOutcome outcome) => _control.Add(1, Tag("outcome", outcome.ToString()));

    internal void RoundTrip(TimeSpan time) => _roundTrip.Record(time.TotalSeconds);

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}

/// <summary>What became of an inbound stream.</summary>
internal enum StreamOutcome
{
    /// <summary>Its handler returned.</summary>
    Served,

    /// <summary>Its handler threw.</summary>
    Faulted,

    /// <summary>Its handler ended because the stream or the link did.</summary>
    Broken,

    /// <summary>Its handler was cancelled.</summary>
    Cancelled,

    /// <summary>No protocol was agreed.</summary>
    NotNegotiated,

    /// <summary>Too many streams of the link were being negotiated.</summary>
    TooManyNegotiating,

    /// <summary>The peer had the most streams of this protocol that it may have.</summary>
    TooManyOfProtocol,
}

/// <summary>What became of a message of link control.</summary>
internal enum ControlOutcome
{
    /// <summary>The peer took our good-bye.</summary>
    GoodbyeTaken,

    /// <summary>The peer does not speak link control, has gone, or did not take our good-bye in time.</summary>
    GoodbyeMissed,

    /// <summary>The peer said good-bye.</summary>
    Goodbye,

    /// <summary>A message was heard and heeded.</summary>
    Heard,

    /// <summary>The peer said too much, and was read more slowly.</summary>
    Slowed,

    /// <summary>A message that is not known here was passed over.</summary>
    Unknown,

    /// <summary>The peer broke link control; its stream was reset.</summary>
    Broken,
}
