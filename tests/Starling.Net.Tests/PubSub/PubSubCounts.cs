using System.Diagnostics.Metrics;

namespace Starling.Net.Tests.PubSub;

/// <summary>What the meter of one node's topics shows, read as a collector would read it.</summary>
internal sealed class PubSubCounts : IMeterFactory
{
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, long> _values = [];
    private Meter? _meter;

    public PubSubCounts()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var key = instrument.Name["starling.pubsub.".Length..];
            _values[tags.Length > 0 ? $"{key} {tags[0].Value}" : key] = value;
        });
        _listener.Start();
    }

    /// <summary>What an instrument shows now, by its short name and its tag: <c>replay.asked done</c>.</summary>
    public long this[string key]
    {
        get
        {
            _listener.RecordObservableInstruments();
            return _values[key];
        }
    }

    public Meter Create(MeterOptions options) => _meter = new Meter(options);

    public void Dispose() => _listener.Dispose();
}
