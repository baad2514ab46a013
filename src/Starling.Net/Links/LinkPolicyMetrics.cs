using System.Diagnostics.Metrics;
using Starling.Protocols.Links.Policy;

namespace Starling.Net.Links;

/// <summary>The metrics of the link policy, meter <c>Starling.LinkPolicy</c>. One per node. No tag holds text that a peer chose.</summary>
public sealed class LinkPolicyMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Starling.LinkPolicy";

    private readonly Meter _meter;
    private readonly UpDownCounter<long> _neighbours;
    private readonly Counter<long> _dials;
    private readonly Counter<long> _closes;
    private readonly Counter<long> _reconnecting;
    private readonly Counter<long> _gaveUp;
    private readonly Counter<long> _refused;

    /// <summary>Creates the instruments in the factory's meter, or in a meter of its own.</summary>
    public LinkPolicyMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _neighbours = _meter.CreateUpDownCounter<long>("starling.link_policy.neighbours", "{link}", "Direct neighbours.");
        _dials = _meter.CreateCounter<long>("starling.link_policy.dials", "{dial}", "Dials that the node began by itself, by outcome.");
        _closes = _meter.CreateCounter<long>("starling.link_policy.closes", "{link}", "Links that the node closed by itself, by reason.");
        _reconnecting = _meter.CreateCounter<long>("starling.link_policy.lost", "{link}", "Links lost that are to be made again.");
        _gaveUp = _meter.CreateCounter<long>("starling.link_policy.gave_up", "{peer}", "Peers given up after dials without success.");
        _refused = _meter.CreateCounter<long>("starling.link_policy.refused", "{peer}", "Peers passed over because a bound was reached, by bound.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Neighbours(int change) => _neighbours.Add(change);

    internal void Dialed(DialOutcome outcome) => _dials.Add(1, new KeyValuePair<string, object?>("outcome", outcome.ToString()));

    internal void Closed(CloseReason reason) => _closes.Add(1, new KeyValuePair<string, object?>("reason", reason.ToString()));

    internal void Lost() => _reconnecting.Add(1);

    internal void GaveUp() => _gaveUp.Add(1);

    internal void Refused(LinkPolicyRefusal reason) => _refused.Add(1, new KeyValuePair<string, object?>("reason", reason.ToString()));
}
