using System.Diagnostics.Metrics;
using Starling.Net.Yamux;

namespace Starling.Net.Transport;

/// <summary>The metrics of transports and handshakes, meter <c>Starling.Transport</c>. One per node; tags come from this node's own enums.</summary>
public sealed class TransportMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Starling.Transport";

    private readonly Meter _meter;
    private readonly Counter<long> _handshakes;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _dials;
    private readonly Counter<long> _accepts;
    private readonly Counter<long> _acceptFailures;
    private readonly LinkTotals _totals = new();

    /// <summary>Creates the instruments in the factory's meter, or in a meter of its own.</summary>
    public TransportMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _handshakes = _meter.CreateCounter<long>("starling.transport.handshakes", "{handshake}", "Handshakes that ended, by direction and outcome.");
        _duration = _meter.CreateHistogram<double>("starling.transport.handshake.duration", "s", "Time from raw connection to link.");
        _dials = _meter.CreateCounter<long>("starling.transport.dials", "{dial}", "Addresses dialled, by outcome.");
        _accepts = _meter.CreateCounter<long>("starling.transport.accepts", "{connection}", "Raw connections accepted.");
        _acceptFailures = _meter.CreateCounter<long>("starling.transport.accept.failures", "{failure}", "Accepts that failed and were tried again.");
        Sum("starling.transport.bytes", "By", "Bytes of links on the wire, handshakes included, by direction.", "direction", ("in", static sum => sum.BytesReceived), ("out", static sum => sum.BytesSent));
        Sum("starling.yamux.bytes", "By", "Payload bytes of streams, by direction.", "direction", ("in", static sum => sum.Yamux.BytesIn), ("out", static sum => sum.Yamux.BytesOut));
        Sum("starling.yamux.frames", "{frame}", "Frames, by direction; dropped ones came for streams that are gone.", "direction", ("in", static sum => sum.Yamux.FramesIn), ("out", static sum => sum.Yamux.FramesOut), ("dropped", static sum => sum.Yamux.FramesDropped));
        Sum("starling.yamux.streams", "{stream}", "Streams that this side opened, that it accepted, and that it refused for a limit.", "outcome", ("opened", static sum => sum.Yamux.StreamsOpened), ("accepted", static sum => sum.Yamux.StreamsAccepted), ("refused", static sum => sum.Yamux.StreamsRefused));
        Sum("starling.yamux.resets", "{reset}", "Resets of streams, by direction.", "direction", ("in", static sum => sum.Yamux.ResetsIn), ("out", static sum => sum.Yamux.ResetsOut));
        Sum("starling.yamux.window_growths", "{growth}", "Receive windows that grew, or would have but for a budget.", "outcome", ("grown", static sum => sum.Yamux.WindowGrowths), ("refused", static sum => sum.Yamux.WindowGrowthsRefused));
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Handshake(Direction direction, HandshakeFailure? failure, TimeSpan? elapsed)
    {
        _handshakes.Add(1, new("direction", direction.ToString()), new("outcome", failure?.ToString() ?? "Succeeded"));
        if (elapsed is { } time) _duration.Record(time.TotalSeconds, new KeyValuePair<string, object?>("direction", direction.ToString()));
    }

    internal void Dial(HandshakeFailure? failure) => _dials.Add(1, new KeyValuePair<string, object?>("outcome", failure?.ToString() ?? "Succeeded"));

    /// <summary>Counts what a link carries, until its end and beyond.</summary>
    internal void Track(YamuxConnection link, LinkStream bytes) => _totals.Add(link, bytes);

    internal void Accepted() => _accepts.Add(1);

    internal void AcceptFailed() => _acceptFailures.Add(1);

    private void Sum(string name, string unit, string description, string tag, params (string Value, Func<LinkSum, long> Read)[] parts) => _meter.CreateObservableCounter(
        name,
        () =>
        {
            var sum = _totals.Sum();
            return parts.Select(part => new Measurement<long>(part.Read(sum), new KeyValuePair<string, object?>(tag, part.Value)));
        },
        unit,
        description);
}
