using System.Diagnostics.Metrics;
using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>Why something that was taken in was not handed on.</summary>
internal enum SpreadDrop
{
    SlowPeer,
    SlowHandler,
    HandlerFailed,
    ValidatorFailed,
    LinkClosed,
}

/// <summary>The instruments of spread: meter <c>Starling.Spread</c>.</summary>
internal sealed class SpreadMetrics : IDisposable
{
    public const string MeterName = "Starling.Spread";
    private static readonly string[] DropNames = ["slow_peer", "slow_handler", "handler_failed", "validator_failed", "link_closed"];
    private readonly Meter _meter;
    private readonly long[] _dropped = new long[DropNames.Length];

    public SpreadMetrics(IMeterFactory? factory, SpreadCounters counters)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        Counter("starling.spread.published", () => counters.Published, "{item}", "Items published by this node.");
        Counter("starling.spread.delivered", () => counters.Delivered, "{item}", "New items handed to handlers.");
        Counter("starling.spread.forwarded", () => counters.Forwarded, "{item}", "Copies handed on to neighbours.");
        Counter("starling.spread.duplicates", () => counters.Duplicates, "{item}", "Copies of items that were known already.");
        Counter("starling.spread.not_relayed", () => counters.NotRelayed, "{item}", "Items not handed on because relaying is off.");
        Counter("starling.spread.ttl_clamped", () => counters.TtlClamped, "{item}", "Items that came with more hops than allowed.");
        Counter("starling.spread.seen.evicted", () => counters.SeenEvicted, "{item}", "Items forgotten early because the window was full.");
        Counter("starling.spread.kept.evicted", () => counters.KeptEvicted, "{item}", "Items no longer kept because there were too many.");
        Counter("starling.spread.replies.forwarded", () => counters.RepliesForwarded, "{reply}", "Replies handed back.");
        Counter("starling.spread.replies.delivered", () => counters.RepliesDelivered, "{reply}", "Replies to own items.");
        Counter("starling.spread.replies.lost", () => counters.RepliesLost, "{reply}", "Replies whose way back is gone.");
        _meter.CreateObservableCounter("starling.spread.validated", () => Verdicts(counters), "{item}", "Verdicts on items, by verdict.");
        _meter.CreateObservableCounter("starling.spread.refused", () => Refusals(counters), "{refusal}", "What neighbours sent and this node refused, by reason.");
        _meter.CreateObservableCounter("starling.spread.dropped", Drops, "{entry}", "Items and replies that found a queue full, a handler failing or a link closed, by reason.");
    }

    public long DroppedFor(SpreadDrop reason) => Interlocked.Read(ref _dropped[(int)reason]);

    public void Dropped(SpreadDrop reason, int count = 1)
    {
        if (count > 0) Interlocked.Add(ref _dropped[(int)reason], count);
    }

    public void Dispose() => _meter.Dispose();

    private void Counter(string name, Func<long> value, string unit, string description) => _meter.CreateObservableCounter(name, value, unit, description);

    private static IEnumerable<Measurement<long>> Verdicts(SpreadCounters counters) =>
    [
        Tagged(counters.Accepted, "verdict", "accept"),
        Tagged(counters.Rejected, "verdict", "reject"),
        Tagged(counters.Ignored, "verdict", "ignore"),
        Tagged(counters.TimedOut, "verdict", "timeout"),
    ];

    private static IEnumerable<Measurement<long>> Refusals(SpreadCounters counters) =>
        from reason in Enum.GetValues<SpreadRefusal>()
        where reason != SpreadRefusal.None
        select Tagged(counters.Refused(reason), "reason", reason.ToString());

    private IEnumerable<Measurement<long>> Drops() => DropNames.Select((name, reason) => Tagged(Interlocked.Read(ref _dropped[reason]), "reason", name));

    private static Measurement<long> Tagged(long value, string tag, string what) => new(value, new KeyValuePair<string, object?>(tag, what));
}
