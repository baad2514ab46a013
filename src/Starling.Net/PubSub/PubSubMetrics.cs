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
}

/// <summary>The instruments of topics: meter <c>Starling.PubSub</c>.</summary>
internal sealed class PubSubMetrics : IDisposable
{
    public const string MeterName = "Starling.PubSub";
    private static readonly string[] DropNames = ["slow_peer", "slow_subscriber", "link_closed", "unreadable"];
    private readonly Meter _meter;
    private readonly long[] _dropped = new long[DropNames.Length];

    public PubSubMetrics(IMeterFactory? factory, PubSubCounters counters)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _meter.CreateObservableCounter("starling.pubsub.published", () => counters.Published, "{message}", "Messages published by this node.");
        _meter.CreateObservableCounter("starling.pubsub.delivered", () => counters.Delivered, "{message}", "New valid messages of followed topics.");
        _meter.CreateObservableCounter("starling.pubsub.forwarded", () => counters.Forwarded, "{message}", "Copies handed on to other neighbours.");
        _meter.CreateObservableCounter("starling.pubsub.duplicates", () => counters.Duplicates, "{message}", "Copies of messages that were known already.");
        _meter.CreateObservableCounter("starling.pubsub.seen.evicted", () => counters.SeenEvicted, "{message}", "Message ids forgotten early because the cache was full.");
        _meter.CreateObservableCounter("starling.pubsub.rejected", () => Rejections(counters), "{refusal}", "What neighbours sent and this node refused, by reason.");
        _meter.CreateObservableCounter("starling.pubsub.dropped", Drops, "{message}", "Messages that found a queue full or its link closed, by reason.");
    }

    /// <summary>How many messages were dropped for this reason.</summary>
    public long DroppedFor(DropReason reason) => Interlocked.Read(ref _dropped[(int)reason]);

    public void Dropped(DropReason reason, int count)
    {
        if (count > 0) Interlocked.Add(ref _dropped[(int)reason], count);
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> Rejections(PubSubCounters counters) =>
        from reason in Enum.GetValues<PubSubRefusal>()
        where reason != PubSubRefusal.None
        select new Measurement<long>(counters.Refused(reason), new KeyValuePair<string, object?>("reason", reason.ToString()));

    private IEnumerable<Measurement<long>> Drops() =>
        DropNames.Select((name, reason) => new Measurement<long>(Interlocked.Read(ref _dropped[reason]), new KeyValuePair<string, object?>("reason", name)));
}
