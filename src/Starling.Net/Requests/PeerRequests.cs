using Starling.Net.Links;

namespace Starling.Net.Requests;

/// <summary>What this node calls over one link: its lanes and its turns. Safe for several threads.</summary>
internal sealed class PeerRequests(IPeerLink link, RequestService service)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, RequestLane> _lanes = new(StringComparer.Ordinal);
    private bool _ended;

    public IPeerLink Link => link;

    /// <summary>One for each call that may be under way.</summary>
    public SemaphoreSlim Turns { get; } = new(service.Options.MaxCallsPerPeer, service.Options.MaxCallsPerPeer);

    /// <summary>Streams for streamed replies.</summary>
    public ReplyStreams Replies { get; } = new(link, service);

    /// <summary>The lane for a handler: its own, or when there are too many that of another handler. Null when the link has ended.</summary>
    /// <exception cref="ArgumentException">The name is none.</exception>
    public RequestLane? LaneFor(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        RequestLane lane;
        lock (_gate)
        {
            if (_ended) return null;
            if (_lanes.TryGetValue(name, out var own) && !own.HasEnded) return own;
            service.Check(name);
            if (own is null && _lanes.Count >= service.Options.MaxStreamsPerPeer / 2) return _lanes.Values.MinBy(one => one.Count);
            lane = new RequestLane(link, service.Options, service.Limits, service.Budget, service.Clock, ended => Remove(name, ended));
            _lanes[name] = lane;
        }

        service.Run(lane.RunAsync);
        return lane;
    }

    /// <summary>Ends streams that nothing was called on since then.</summary>
    public Task RetireIdleAsync(Instant since)
    {
        foreach (var lane in Lanes()) lane.RetireIfIdle(since);
        return Replies.RetireIdleAsync(since);
    }

    /// <summary>Ends every lane; there will be no more.</summary>
    public Task EndAsync()
    {
        lock (_gate) _ended = true;
        foreach (var lane in Lanes()) lane.Dispose();
        return Replies.CloseAsync();
    }

    private List<RequestLane> Lanes()
    {
        lock (_gate) return [.. _lanes.Values];
    }

    private void Remove(string name, RequestLane lane)
    {
        lock (_gate)
        {
            if (_lanes.GetValueOrDefault(name) == lane) _lanes.Remove(name);
        }
    }
}
