using System.Diagnostics.Metrics;
using Starling.Net.Requests;

namespace Starling.Net.Tests.Requests;

/// <summary>Request metrics of one node, with what was counted by instrument and tag, and a way to wait for it.</summary>
internal sealed class RequestCounts : IMeterFactory
{
    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _sums = [];
    private readonly List<(string Key, long Value, TaskCompletionSource Reached)> _waiting = [];
    private Meter? _meter;

    public RequestCounts()
    {
        Metrics = new RequestsMetrics(this);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, tags, value));
        _listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Add(instrument, tags, 1));
        _listener.Start();
    }

    public RequestsMetrics Metrics { get; }

    /// <summary>The sum, or for histograms the count, under an instrument's short name and its tag: <c>refused Busy</c>, <c>streams in</c>, <c>client.duration Timeout</c>.</summary>
    public long this[string key]
    {
        get { lock (_gate) return _sums.GetValueOrDefault(key); }
    }

    /// <summary>Completes once the sum is this.</summary>
    public Task WhenAsync(string key, long value)
    {
        lock (_gate)
        {
            if (_sums.GetValueOrDefault(key) == value) return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((key, value, reached));
            return reached.Task.WaitAsync(RequestPair.Patience);
        }
    }

    public Meter Create(MeterOptions options) => _meter = new Meter(options);

    public void Dispose()
    {
        _listener.Dispose();
        Metrics.Dispose();
    }

    private void Add(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags, long value)
    {
        var key = instrument.Name["starling.requests.".Length..];
        if (tags.Length > 0) key = $"{key} {tags[0].Value}";
        lock (_gate)
        {
            var sum = _sums[key] = _sums.GetValueOrDefault(key) + value;
            foreach (var waiting in _waiting.Where(one => one.Key == key && one.Value == sum)) waiting.Reached.TrySetResult();
        }
    }
}
