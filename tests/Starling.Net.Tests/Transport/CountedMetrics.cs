using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport;

/// <summary>Transport metrics of one test, with the sums of what was counted by instrument and outcome.</summary>
internal sealed class CountedMetrics : IMeterFactory
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _sums = new();
    private Meter? _meter;

    public CountedMetrics()
    {
        Metrics = new TransportMetrics(this);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var key = instrument.Name["starling.transport.".Length..];
            foreach (var tag in tags)
            {
                if (tag.Key == "outcome") key = $"{key} {tag.Value}";
            }

            _sums.AddOrUpdate(key, value, (_, sum) => sum + value);
        });
        _listener.Start();
    }

    public TransportMetrics Metrics { get; }

    /// <summary>The sum under an instrument's short name and, where it has one, its outcome: <c>dials Succeeded</c>.</summary>
    public long this[string key] => _sums.GetValueOrDefault(key);

    public Meter Create(MeterOptions options) => _meter = new Meter(options);

    public void Dispose()
    {
        _listener.Dispose();
        Metrics.Dispose();
    }
}
