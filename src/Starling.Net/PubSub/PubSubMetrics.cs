using System.Diagnostics.Metrics;
using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Why a message that was taken in was not handed on.</summary>
internal enum DropReason
{
    SlowPeer,
    SlowSubscriber,
    LinkClosed,
    Unreadable,
    StaleAsk,
}

/// <summary>The instruments of topics: meter <c>Starling.PubSub</c>.</summary>
internal sealed class PubSubMetrics : IDisposable
{
    public const string MeterName = "Starling.PubSub";
    private static readonly string[] DropNames = ["slow_peer", "slow_subscriber", "link_closed", "unreadable", "stale_ask"];
    private readonly Meter _meter;
    private readonly long[] _dropped = new long[DropNames.Length];
    private PubSubCounters[] _counters = [];

    public PubSubMetrics(IMeterFactory? factory)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _meter.CreateObservableCounter("starling.pubsub.published", () => Sum(static counters => counters.Published), "{message}", "Messages published by this node.");
        _meter.CreateObservableCounter("starling.pubsub.delivered", () => Sum(static counters => counters.Delivered), "{message}", "New valid messages of followed topics.");
        _meter.CreateObservableCounter("starling.pubsub.forwarded", () => Sum(static counters => counters.Forwarded), "{message}", "Copies handed on to other neighbours.");
        _meter.CreateObservableCounter("starling.pubsub.not_handed_on", () => Sum(static counters => counters.NotHandedOn), "{message}", "Messages of others that were not handed on because that is switched off.");
        _meter.CreateObservableCounter("starling.pubsub.duplicates", () => Sum(static counters => counters.Duplicates), "{message}", "Copies of messages that were known already.");
        _meter.CreateObservableCounter("starling.pubsub.seen.evicted", () => Sum(static counters => counters.SeenEvicted), "{message}", "Message ids forgotten early because the cache was full.");
        _meter.CreateObservableCounter("starling.pubsub.rejected", Rejections, "{refusal}", "What neighbours sent and this node refused, by reason.");
        _meter.CreateObservableCounter("starling.pubsub.dropped", Drops, "{message}", "Messages that found a queue full or its link closed, by reason.");
    }

    /// <summary>Counts what this router has counted too.</summary>
    public void Observe(PubSubCounters counters) => Volatile.Write(ref _counters, [.. _counters, counters]);

    /// <summary>How many messages were dropped for this reason.</summary>
    public long DroppedFor(DropReason reason) => Interlocked.Read(ref _dropped[(int)reason]);

    public void Dropped(DropReason reason, int count)
    {
        if (count > 0) Interlocked.Add(ref _dropped[(int)reason], count);
    }

    public void Dispose() => _meter.Dispose();

    private long Sum(Func<PubSubCounters, long> count) => Volatile.Read(ref _counters).Sum(count);

    private IEnumerable<Measurement<long>> Rejections() =>
        from reason in Enum.GetValues<PubSubRefusal>()
        where reason != PubSubRefusal.None
        select new Measurement<long>(Sum(counters => counters.Refused(reason)), new KeyValuePair<string, object?>("reason", reason.ToString()));

    private IEnumerable<Measurement<long>> Drops() =>
        DropNames.Select((name, reason) => new Measurement<long>(Interlocked.Read(ref _dropped[reason]), new KeyValuePair<string, object?>("reason", name)));
}
