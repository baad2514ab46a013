using System.Diagnostics.Metrics;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>The metrics of the peer book and the restrictions, meter <c>Starling.Peers</c>. One per node. No tag holds text that a peer chose.</summary>
public sealed class PeersMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Starling.Peers";

    private readonly Meter _meter;
    private readonly UpDownCounter<long> _peers;
    private readonly Counter<long> _told;
    private readonly Counter<long> _saves;
    private readonly UpDownCounter<long> _blocked;
    private readonly Counter<long> _closed;

    /// <summary>Creates the instruments in the factory's meter, or in a meter of its own.</summary>
    public PeersMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _peers = _meter.CreateUpDownCounter<long>("starling.peers.known", "{peer}", "Peers in the book, by whether they were given up.");
        _told = _meter.CreateCounter<long>("starling.peers.told", "{message}", "What the book was told of peers, by source and outcome.");
        _saves = _meter.CreateCounter<long>("starling.peers.saves", "{save}", "Saves, by what was saved and outcome.");
        _blocked = _meter.CreateUpDownCounter<long>("starling.restrictions.entries", "{entry}", "Entries of the blocklist.");
        _closed = _meter.CreateCounter<long>("starling.restrictions.closed", "{link}", "Open links that were closed because their end was blocked. Refused ones are counted with the links.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Known(int living, int dead)
    {
        if (living != 0) _peers.Add(living, Tag("state", "alive"));
        if (dead != 0) _peers.Add(dead, Tag("state", "dead"));
    }

    internal void Told(string source, PeerBookOutcome outcome) => _told.Add(1, Tag("source", source), Tag("outcome", outcome.ToString()));

    internal void Saved(string what, bool succeeded) => _saves.Add(1, Tag("what", what), Tag("outcome", succeeded ? "saved" : "failed"));

    internal void Blocked(int entries)
    {
        if (entries != 0) _blocked.Add(entries);
    }

    internal void ClosedBlocked() => _closed.Add(1);

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
