using System.Diagnostics.Metrics;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>The metrics of requests, meter <c>Starling.Requests</c>. One per node. No tag holds text that a peer chose.</summary>
public sealed class RequestsMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Starling.Requests";

    private readonly Meter _meter;
    private readonly Histogram<double> _called;
    private readonly Histogram<double> _served;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _violations;
    private readonly UpDownCounter<long> _streams;

    /// <summary>Creates the instruments in the factory's meter, or in a meter of its own.</summary>
    public RequestsMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _called = _meter.CreateHistogram<double>("starling.requests.client.duration", "s", "Time from a call to its answer, by outcome.");
        _served = _meter.CreateHistogram<double>("starling.requests.server.duration", "s", "Time that handlers took, by outcome.");
        _refused = _meter.CreateCounter<long>("starling.requests.refused", "{request}", "Requests of peers that no handler saw, by reason.");
        _violations = _meter.CreateCounter<long>("starling.requests.violations", "{stream}", "Streams reset because a peer broke the protocol.");
        _streams = _meter.CreateUpDownCounter<long>("starling.requests.streams", "{stream}", "Streams open for requests, by direction.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal bool CallsAreTimed => _called.Enabled;

    internal void Called(RequestFailure failure, TimeSpan time)
    {
        if (_called.Enabled) _called.Record(time.TotalSeconds, Outcome(failure));
    }

    internal void Served(RequestFailure failure, TimeSpan time)
    {
        if (_served.Enabled) _served.Record(time.TotalSeconds, Outcome(failure));
    }

    internal void Refused(RequestFailure failure) => _refused.Add(1, new KeyValuePair<string, object?>("reason", Names[(int)failure]));

    internal void Violation() => _violations.Add(1);

    internal void Streams(Direction direction, int change) =>
        _streams.Add(change, new KeyValuePair<string, object?>("direction", direction == Direction.Inbound ? "in" : "out"));

    private static readonly string[] Names = [.. Enumerable.Range(0, (int)RequestFailure.NotLinked + 1).Select(number => number == 0 ? "Answered" : ((RequestFailure)number).ToString())];

    private static KeyValuePair<string, object?> Outcome(RequestFailure failure) => new("outcome", Names[(int)failure]);
}
