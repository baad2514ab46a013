using System.Diagnostics.Metrics;

namespace Starling.Net.Links;

/// <summary>The metrics of failure detection, meter <c>Starling.Health</c>. No tag holds text that a peer chose.</summary>
internal sealed class HealthMetrics : IDisposable
{
    public const string MeterName = "Starling.Health";

    private readonly Meter _meter;
    private readonly Counter<long> _pings;
    private readonly Counter<long> _changes;
    private readonly Counter<double> _lost;

    public HealthMetrics(IMeterFactory? factory, Func<int> localScore)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _pings = _meter.CreateCounter<long>("starling.health.pings", "{ping}", "Pings of silent links and for round trips, by outcome.");
        _changes = _meter.CreateCounter<long>("starling.health.changes", "{change}", "Links that became suspect, alive again or dead.");
        _lost = _meter.CreateCounter<double>("starling.health.lost", "s", "Time in which this node was held up: stopped, starved or collecting.");
        _meter.CreateObservableGauge("starling.health.local_score", localScore, "1", "How slow this node itself is; deadlines are one more than this times as long.");
    }

    public void Dispose() => _meter.Dispose();

    public void Pinged(bool answered) => _pings.Add(1, new KeyValuePair<string, object?>("outcome", answered ? "answered" : "lost"));

    public void Changed(LinkHealth health) => _changes.Add(1, new KeyValuePair<string, object?>("to", health.ToString()));

    public void Lost(TimeSpan time)
    {
        if (time > TimeSpan.Zero) _lost.Add(time.TotalSeconds);
    }
}
