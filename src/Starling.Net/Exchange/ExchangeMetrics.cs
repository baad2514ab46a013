using System.Diagnostics.Metrics;

namespace Starling.Net.Exchange;

/// <summary>The instruments of peer exchange: meter <c>Starling.PeerExchange</c>.</summary>
internal sealed class ExchangeMetrics : IDisposable
{
    public const string MeterName = "Starling.PeerExchange";
    private readonly Meter _meter;
    private readonly long[] _records = new long[Enum.GetValues<RecordOutcome>().Length];
    private readonly Counter<long> _refreshes;
    private readonly Counter<long> _messages;

    public ExchangeMetrics(IMeterFactory? factory)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _refreshes = _meter.CreateCounter<long>("starling.peer_exchange.refreshes", "{refresh}", "Refreshes made.");
        _messages = _meter.CreateCounter<long>("starling.peer_exchange.messages", "{message}", "Messages of neighbours, by outcome: request, list, refreshing, malformed, flooded.");
        _meter.CreateObservableCounter(
            "starling.peer_exchange.records",
            () => _records.Select((count, outcome) => new Measurement<long>(Interlocked.Read(ref _records[outcome]), new KeyValuePair<string, object?>("outcome", ((RecordOutcome)outcome).ToString()))),
            "{record}",
            "Records that neighbours told, by outcome.");
    }

    public long Of(RecordOutcome outcome) => Interlocked.Read(ref _records[(int)outcome]);

    public void Record(RecordOutcome outcome) => Interlocked.Increment(ref _records[(int)outcome]);

    public void Refreshed() => _refreshes.Add(1);

    public void Message(string outcome) => _messages.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Dispose() => _meter.Dispose();
}
