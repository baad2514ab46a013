using System.Diagnostics.Metrics;
using Starling.Protocols.PubSub;
using Starling.Protocols.Streams;

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
    private static readonly string[] ReplayNames = ["failed", "done", "truncated", "refused", "busy"];
    private readonly Meter _meter;
    private readonly long[] _asked = new long[ReplayNames.Length];
    private readonly long[] _answered = new long[ReplayNames.Length];
    private readonly long[] _dropped = new long[DropNames.Length];
    private PubSubCounters[] _counters = [];
    private StreamCounters? _streams;

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
        Stream("delivered", static streams => streams.Delivered, "{message}", "Messages of stream and link topics delivered in order.");
        Stream("missed", static streams => streams.Missed, "{message}", "Messages of stream and link topics that are known to be lost.");
        Stream("recovered", static streams => streams.Recovered, "{message}", "Messages that came out of logs and were new.");
        Stream("duplicates", static streams => streams.Duplicates, "{bundle}", "Bundles whose messages were all known.");
        Stream("stale", static streams => streams.Stale, "{bundle}", "Bundles of an epoch before the present one of their origin.");
        Stream("held.full", static streams => streams.HeldFull, "{bundle}", "Bundles behind a gap that found no room to wait in.");
        Stream("origins.evicted", static streams => streams.OriginsEvicted, "{origin}", "Origins whose order was forgotten to make room for others.");
        Stream("refused", static streams => streams.Refused, "{message}", "Gossip messages of stream and link topics that were no envelope.");
        _meter.CreateObservableCounter("starling.pubsub.replay.asked", () => Tagged(_asked, ReplayNames, "outcome"), "{request}", "What this node asked of neighbours' logs, by how it was answered.");
        _meter.CreateObservableCounter("starling.pubsub.replay.answered", () => Tagged(_answered, ReplayNames, "outcome"), "{request}", "What neighbours asked of this node's logs, by how it was answered.");
    }

    /// <summary>Counts what this router has counted too.</summary>
    public void Observe(PubSubCounters counters) => Volatile.Write(ref _counters, [.. _counters, counters]);

    /// <summary>Counts what stream and link topics have counted. Once.</summary>
    public void Observe(StreamCounters streams) => Volatile.Write(ref _streams, streams);

    /// <summary>A neighbour's log was asked.</summary>
    /// <param name="outcome">How its answer ended; null when it failed.</param>
    public void ReplayAsked(ReplayStatus? outcome) => Interlocked.Increment(ref _asked[(int?)outcome ?? 0]);

    /// <summary>A neighbour asked for what a log here holds.</summary>
    /// <param name="outcome">How the answer ended; null when it failed, or what came was no request. One that fails at its very end counts as both.</param>
    public void ReplayAnswered(ReplayStatus? outcome) => Interlocked.Increment(ref _answered[(int?)outcome ?? 0]);

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

    private IEnumerable<Measurement<long>> Drops() => Tagged(_dropped, DropNames, "reason");

    private void Stream(string name, Func<StreamCounters, long> count, string unit, string description) =>
        _meter.CreateObservableCounter($"starling.pubsub.stream.{name}", () => Volatile.Read(ref _streams) is { } streams ? count(streams) : 0, unit, description);

    private static IEnumerable<Measurement<long>> Tagged(long[] counts, string[] names, string tag) =>
        names.Select((name, at) => new Measurement<long>(Interlocked.Read(ref counts[at]), new KeyValuePair<string, object?>(tag, name)));
}
