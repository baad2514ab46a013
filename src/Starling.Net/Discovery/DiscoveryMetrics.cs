using System.Diagnostics.Metrics;
using Starling.Net.Joining;

namespace Starling.Net.Discovery;

/// <summary>The metrics of discovery, meter <c>Starling.Discovery</c>. One per node.</summary>
public sealed class DiscoveryMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Starling.Discovery";

    private readonly Meter _meter;
    private readonly Counter<long> _packets;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _found;
    private readonly Counter<long> _lost;
    private readonly Counter<long> _restarts;
    private readonly Counter<long> _joins;
    private readonly Counter<long> _joinAnswers;

    /// <summary>Creates the instruments in the factory's meter, or in a meter of its own.</summary>
    public DiscoveryMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _packets = _meter.CreateCounter<long>("starling.discovery.packets", "{packet}", "Multicast packets, by direction.");
        _refused = _meter.CreateCounter<long>("starling.discovery.refused", "{refusal}", "Input that was refused or passed over, by reason.");
        _found = _meter.CreateCounter<long>("starling.discovery.found", "{peer}", "Peers found, or found anew with other addresses, by source.");
        _lost = _meter.CreateCounter<long>("starling.discovery.lost", "{peer}", "Peers lost, by source.");
        _restarts = _meter.CreateCounter<long>("starling.discovery.restarts", "{restart}", "Sockets opened anew after a change of the network, by source.");
        _joins = _meter.CreateCounter<long>("starling.join.attempts", "{attempt}", "Peers asked to let this node in, by outcome.");
        _joinAnswers = _meter.CreateCounter<long>("starling.join.answers", "{answer}", "Peers that asked to be let in, by answer.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Received() => _packets.Add(1, new KeyValuePair<string, object?>("direction", "in"));

    internal void Sent() => _packets.Add(1, new KeyValuePair<string, object?>("direction", "out"));

    internal void Refused(string reason) => _refused.Add(1, new KeyValuePair<string, object?>("reason", reason));

    internal void Found(string source) => _found.Add(1, new KeyValuePair<string, object?>("source", source));

    internal void Lost(string source) => _lost.Add(1, new KeyValuePair<string, object?>("source", source));

    internal void Restarted(string source) => _restarts.Add(1, new KeyValuePair<string, object?>("source", source));

    internal void Joined(JoinOutcome outcome) => _joins.Add(1, new KeyValuePair<string, object?>("outcome", outcome.ToString()));

    internal void JoinAnswered(bool isAccepted) => _joinAnswers.Add(1, new KeyValuePair<string, object?>("answer", isAccepted ? "accepted" : "refused"));
}
