using System.Threading.Channels;
using Starling.Net.Discovery;
using Starling.Net.Links;
using Starling.Net.Spread;
using Starling.Protocols.Links;

namespace Starling.Gateways.Gossip;

/// <summary>Membership beyond the neighbours: tells the network of peers that were found and lost here, offers those that others found to whoever keeps the links, and asks new neighbours for theirs.</summary>
internal sealed class PeerUpdates : ILinkObserver, IAsyncDisposable
{
    /// <summary>The name that the spread kind has between nodes.</summary>
    public const string SpreadKindName = "starling/voidphone-peers/1";

    private const string Source = "peer-update";
    private const int MaxWaiting = 1024;
    private const ushort UpdateType = 0;

    private readonly StarlingNode _node;
    private readonly GossipApiOptions _options;
    private readonly GossipCounters _counters;
    private readonly GossipLog _log;
    private readonly SpreadKind _kind;
    private readonly GossipMessageCache _cache;
    private readonly Dictionary<PeerId, CachedMessage> _latest = [];
    private readonly Lock _gate = new();
    private readonly DiscoveryFeed _feed;
    private readonly Channel<(IPeerLink Link, bool Found)> _news;
    private readonly CancellationTokenSource _stop = new();
    private readonly IDisposable[] _registrations;
    private readonly Task _telling;

    public PeerUpdates(StarlingNode node, GossipApiOptions options, TimeProvider clock, GossipCounters counters, GossipLog log)
    {
        (_node, _options, _counters, _log) = (node, options, counters, log);
        _kind = SpreadKind.Named(SpreadKindName) with { Signed = true, Degree = options.Degree };
        _cache = new GossipMessageCache(options.PeerUpdateCacheSize, 1);
        _feed = new DiscoveryFeed(clock, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        _news = Channel.CreateBounded<(IPeerLink, bool)>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, _ => counters.Count(GossipCount.PeerUpdatesLost));
        _telling = Task.Run(TellAsync);
        _registrations = [_feed.Add(node.LinkManager), node.Spread.Register(_kind, new SpreadHandlers { OnItem = Take }), node.Observe(this)];
    }

    /// <summary>Peers that the network told of, and that are not known to be lost.</summary>
    public IReadOnlyList<DiscoveredPeer> Known => _feed.Known;

    public void OnConnected(IPeerLink link) => _news.Writer.TryWrite((link, true));

    public void OnIdentified(IPeerLink link) => _news.Writer.TryWrite((link, true));

    public void OnDisconnected(IPeerLink link, CloseInfo why)
    {
        // A link that was closed here on purpose says nothing of the peer.
        if (why.Reason is not (CloseReason.LocalClose or CloseReason.NodeStopping or CloseReason.Pruned or CloseReason.DuplicateLink or CloseReason.Unused)) _news.Writer.TryWrite((link, false));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var registration in _registrations.Reverse()) registration.Dispose();
        _news.Writer.TryComplete();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _telling.ConfigureAwait(false);
        _feed.Clear();
        _stop.Dispose();
    }

    private async Task TellAsync()
    {
        try
        {
            await foreach (var (link, found) in _news.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
            {
                if (found) await AskAsync(link).ConfigureAwait(false);
                if (UpdateOf(link, found) is { } update) await TellAsync(update).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            _log.CameLate("news about a peer");
        }
    }

    private static PeerUpdate? UpdateOf(IPeerLink link, bool found)
    {
        if (!found) return new PeerUpdate(link.Peer, null);
        return SignedPeerRecord.TryOpen(link.Info.SignedPeerRecord.Span, out var record) && record.Peer.Equals(link.Peer) ? new PeerUpdate(link.Peer, record) : null;
    }

    private async Task TellAsync(PeerUpdate update)
    {
        var payload = PeerUpdateCodec.Write(update);

        // Whoever is identified anew says mostly the same again.
        if (!IsNews(update, payload)) return;
        await _node.Spread.PublishAsync(_kind, payload, GossipTtl.Cap(_options.PeerUpdateTtl, _options.MaxTtl), cancellationToken: _stop.Token).ConfigureAwait(false);
        _counters.Count(GossipCount.PeerUpdatesSent);
    }

    /// <summary>Asks a new neighbour for the peers that it knows, so that a node that has just come need not wait for the next exchange.</summary>
    private async Task AskAsync(IPeerLink link)
    {
        if (!link.Info.Protocols.Contains(Protocols.Discovery.ExchangeCodec.Protocol)) return;
        try
        {
            await _node.PeerExchange.AskAsync(link.Peer, cancellationToken: _stop.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is StarlingException or IOException)
        {
            _log.NotAsked(link.Peer, error.Message);
        }
    }

    private ValueTask Take(SpreadDelivery item, CancellationToken cancellationToken)
    {
        if (!PeerUpdateCodec.TryRead(item.Payload.Span, out var update) || update.Peer.Equals(_node.PeerId) || !IsNews(update, item.Payload))
        {
            _counters.Count(GossipCount.PeerUpdatesRefused);
            return ValueTask.CompletedTask;
        }

        _counters.Count(GossipCount.PeerUpdatesTaken);
        if (update.Record is { Addresses.Count: > 0 } record) _feed.Found(new DiscoveredPeer(update.Peer, record.Addresses, Source) { IsHearsay = true });
        else _feed.Lost(update.Peer);
        return ValueTask.CompletedTask;
    }

    /// <summary>Whether it is not the last that was heard of the peer; from now on it is.</summary>
    private bool IsNews(PeerUpdate update, ReadOnlyMemory<byte> payload)
    {
        PeerId? forgotten = null;
        lock (_gate)
        {
            if (_cache.Find(ContentHash.Of(UpdateType, payload.Span)) is not null) return false;
            if (_latest.Remove(update.Peer, out var before)) _cache.RemoveMessage(before.Id);
            _latest[update.Peer] = _cache.AddMessage(UpdateType, payload, isValid: true, out var evicted)!;
            if (evicted is not null) _latest.Remove(forgotten = PeerOf(evicted));
        }

        if (forgotten is not null) _feed.Lost(forgotten);
        return true;
    }

    private static PeerId PeerOf(CachedMessage update) => PeerUpdateCodec.TryRead(update.Data.Span, out var read) ? read.Peer : throw new InvalidOperationException("Only what could be read was kept.");
}
