using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Starling.Tests;

public class TrafficMetricsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Bytes_frames_and_streams_of_all_links_are_summed_also_when_a_link_is_gone()
    {
        using var meters = new SummedMeters();
        await using var a = await StarlingNode.StartAsync(new StarlingOptions(), new NodeEnvironment { Meters = meters });
        await using var b = await StarlingNode.StartAsync();
        b.Handle("/sink/1.0.0", async (stream, cancelled) => await stream.AsStream().CopyToAsync(Stream.Null, cancelled));
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        await using (var stream = await a.OpenStreamAsync(b.PeerId, "/sink/1.0.0"))
        {
            await stream.WriteAsync(new byte[100_000]).AsTask().WaitAsync(Patience);
            await stream.CloseWriteAsync().AsTask().WaitAsync(Patience);
            Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
        }

        var open = meters.Read();
        Assert.InRange(open["starling.yamux.bytes out"], 100_000, 110_000);
        Assert.True(open["starling.transport.bytes out"] > open["starling.yamux.bytes out"]);
        Assert.True(open["starling.transport.bytes in"] > open["starling.yamux.bytes in"]);
        Assert.True(open["starling.yamux.streams opened"] >= 2 && open["starling.yamux.streams accepted"] >= 1);
        Assert.Equal(0, open["starling.yamux.streams refused"]);
        Assert.True(open["starling.yamux.frames out"] > 3);

        await a.DisconnectAsync(b.PeerId).WaitAsync(Patience);
        var closed = meters.Read();
        Assert.All(open.Where(sum => sum.Key.StartsWith("starling.yamux", StringComparison.Ordinal)), sum => Assert.True(closed[sum.Key] >= sum.Value, sum.Key));
    }

    /// <summary>One node's meters, whose observable sums can be read.</summary>
    private sealed class SummedMeters : IMeterFactory
    {
        private readonly ConcurrentBag<Meter> _meters = [];
        private readonly Dictionary<string, long> _read = [];
        private readonly MeterListener _listener = new();

        public SummedMeters()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (_meters.Contains(instrument.Meter) && instrument is ObservableCounter<long> && (instrument.Name == "starling.transport.bytes" || instrument.Name.StartsWith("starling.yamux.", StringComparison.Ordinal))) listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => _read[$"{instrument.Name} {tags[0].Value}"] = value);
            _listener.Start();
        }

        public Meter Create(MeterOptions options)
        {
            var meter = new Meter(options);
            _meters.Add(meter);
            return meter;
        }

        public IReadOnlyDictionary<string, long> Read()
        {
            _listener.RecordObservableInstruments();
            return new Dictionary<string, long>(_read);
        }

        public void Dispose()
        {
            _listener.Dispose();
            foreach (var meter in _meters) meter.Dispose();
        }
    }
}
