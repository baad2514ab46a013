using System.Diagnostics.Metrics;

namespace Starling.Gateways.Gossip;

/// <summary>The instruments of the gossip API: meter <c>Starling.Gossip</c>.</summary>
internal sealed class GossipMetrics : IDisposable
{
    public const string MeterName = "Starling.Gossip";
    private readonly Meter _meter;
    private readonly long[] _closed = new long[Enum.GetValues<GossipCloseReason>().Length];

    public GossipMetrics(IMeterFactory? factory, GossipCounters counters, Func<int> clients)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _meter.CreateObservableUpDownCounter("starling.gossip.clients", clients, "{client}", "Clients that are connected.");
        _meter.CreateObservableCounter("starling.gossip.closed", Closes, "{client}", "Connections of clients that ended, by reason.");
        _meter.CreateObservableCounter("starling.gossip.events", () => Counts(counters), "{event}", "What happened to messages, verdicts and news about peers, by kind.");
    }

    public long ClosedFor(GossipCloseReason reason) => Interlocked.Read(ref _closed[(int)reason]);

    public void Closed(GossipCloseReason reason) => Interlocked.Increment(ref _closed[(int)reason]);

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Closes() =>
        from reason in Enum.GetValues<GossipCloseReason>()
        where reason != GossipCloseReason.None
        select new Measurement<long>(ClosedFor(reason), new KeyValuePair<string, object?>("reason", reason.ToString()));

    private static IEnumerable<Measurement<long>> Counts(GossipCounters counters) =>
        from what in Enum.GetValues<GossipCount>()
        select new Measurement<long>(counters[what], new KeyValuePair<string, object?>("kind", what.ToString()));
}
