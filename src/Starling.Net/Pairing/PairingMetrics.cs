using System.Diagnostics.Metrics;

namespace Starling.Net.Pairing;

/// <summary>The instruments of pairing: meter <c>Starling.Pairing</c>.</summary>
internal sealed class PairingMetrics : IDisposable
{
    public const string MeterName = "Starling.Pairing";
    private readonly Meter _meter;
    private readonly Counter<long> _pairings;
    private readonly Counter<long> _dials;
    private readonly Counter<long> _entries;

    public PairingMetrics(IMeterFactory? factory)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _pairings = _meter.CreateCounter<long>("starling.pairing.pairings", "{pairing}", "Pairings that ended, by outcome.");
        _dials = _meter.CreateCounter<long>("starling.pairing.dials", "{dial}", "Peers that were found and dialled, by outcome.");
        _entries = _meter.CreateCounter<long>("starling.pairing.entries_dropped", "{link}", "Entry links that were closed after pairing.");
    }

    public void Ended(string outcome) => _pairings.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Dialled(bool linked) => _dials.Add(1, new KeyValuePair<string, object?>("outcome", linked ? "linked" : "failed"));

    public void EntryDropped() => _entries.Add(1);

    public void Dispose() => _meter.Dispose();
}
