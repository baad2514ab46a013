using System.Diagnostics.Metrics;

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

    /// <summary>Creates the instruments in the factory's meter, or in a meter of its own.</summary>
    public TransportMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _handshakes = _meter.CreateCounter<long>("starling.transport.handshakes", "{handshake}", "Handshakes that ended, by direction and outcome.");
        _duration = _meter.CreateHistogram<double>("starling.transport.handshake.duration", "s", "Time from raw connection to link.");
        _dials = _meter.CreateCounter<long>("starling.transport.dials", "{dial}", "Addresses dialled, by outcome.");
        _accepts = _meter.CreateCounter<long>("starling.transport.accepts", "{connection}", "Raw connections accepted.");
        _acceptFailures = _meter.CreateCounter<long>("starling.transport.accept.failures", "{failure}", "Accepts that failed and were tried again.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Handshake(Direction direction, HandshakeFailure? failure, TimeSpan? elapsed)
    {
        _handshakes.Add(1, new("direction", direction.ToString()), new("outcome", failure?.ToString() ?? "Succeeded"));
        if (elapsed is { } time) _duration.Record(time.TotalSeconds, new KeyValuePair<string, object?>("direction", direction.ToString()));
    }

    internal void Dial(HandshakeFailure? failure) => _dials.Add(1, new KeyValuePair<string, object?>("outcome", failure?.ToString() ?? "Succeeded"));

    internal void Accepted() => _accepts.Add(1);

    internal void AcceptFailed() => _acceptFailures.Add(1);
}
