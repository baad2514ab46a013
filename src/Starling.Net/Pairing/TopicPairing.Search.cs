using Starling.Net.PubSub;
using Starling.Net.Spread;

namespace Starling.Net.Pairing;

/// <content>Searching, linking, and the entry links.</content>
public sealed partial class TopicPairing
{
    private const int MaxEntries = 64;
    private static readonly TimeSpan Stagger = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxPause = TimeSpan.FromMinutes(1);
    private readonly Lock _entryGate = new();
    private readonly HashSet<PeerId> _toDrop = [];
    private readonly Dictionary<PeerId, IReadOnlyList<Multiaddr>> _dropped = [];
    private int _underWay;

    private async Task<IReadOnlyList<PeerId>> PairOnceAsync(Pairing pairing, CancellationToken cancellationToken)
    {
        var (options, followers) = (pairing.Options, pairing.Followers);
        using var time = new CancellationTokenSource(options.Timeout, _clock);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken, pairing.End);
        var reached = followers.WaitAsync(options.Wanted, fewer: false, end.Token);
        var entries = new HashSet<PeerId>();
        BeginSearch(pairing);
        var paired = false;
        try
        {
            var searching = reached.IsCompletedSuccessfully ? Task.CompletedTask : SearchAsync(pairing, entries, end.Token);
            try
            {
                await reached.ConfigureAwait(false);
                paired = true;
            }
            finally
            {
                await end.CancelAsync().ConfigureAwait(false);
                await searching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            pairing.End.ThrowIfCancellationRequested();
            _metrics.Ended("timeout");
            throw TooFew(pairing.Topic, followers.Peers.Count, options.Wanted, options.Timeout);
        }
        finally
        {
            await EndSearchAsync(pairing, paired && options.OnPair == OnPair.DropEntry ? entries : []).ConfigureAwait(false);
        }

        _metrics.Ended("paired");
        var peers = followers.Peers;
        _log.Paired(pairing.Topic.Name, peers.Count);
        Tell(new PairingChange(pairing.Topic, peers, IsPaired: true));
        return peers;
    }

    /// <summary>Links with those who answer, one after the other; the next one is tried when a second has not led to enough.</summary>
    private async Task SearchAsync(Pairing pairing, HashSet<PeerId> entries, CancellationToken cancellationToken)
    {
        var (topic, options) = (pairing.Wired, pairing.Options);
        var dials = new List<Task>();
        try
        {
            await ReturnToEntriesAsync(cancellationToken).ConfigureAwait(false);
            var search = new SearchOptions
            {
                Ttl = options.MaxHops,
                Limit = 4 * (options.Wanted + 16),
                Timeout = options.Timeout,
                SignQuery = topic.Family == TopicFamily.Starling,
            };
            await foreach (var found in _search.SearchAsync(PairingSubject.Of(topic), search, cancellationToken).ConfigureAwait(false))
            {
                if (found.Peer.Equals(_host.LocalPeer)) continue;
                if (found.Via is { } via && !via.Equals(found.Peer)) entries.Add(via);
                if (found.Addresses.Count == 0 || _host.Find(found.Peer) is not null) continue;
                var dial = LinkAsync(found, topic, cancellationToken);
                dials.Add(dial);
                await Task.WhenAny(dial, Task.Delay(Stagger, _clock, cancellationToken)).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Paired, or out of time; whoever waits for this knows which.
        }
        catch (InvalidOperationException error)
        {
            _log.SearchFailed(topic.Name, error.Message);
        }

        await Task.WhenAll(dials).ConfigureAwait(false);
    }

    private async Task LinkAsync(SearchResult found, WireTopic topic, CancellationToken cancellationToken)
    {
        try
        {
            await _host.ConnectAsync(found.Peer, found.Addresses, cancellationToken).ConfigureAwait(false);
            _metrics.Dialled(linked: true);
        }
        catch (Exception error) when (error is StarlingException or OperationCanceledException)
        {
            if (cancellationToken.IsCancellationRequested) return;
            _metrics.Dialled(linked: false);
            _log.NotLinked(found.Peer, topic.Name, error.Message);
        }
    }

    private void BeginSearch(Pairing pairing)
    {
        pairing.IsSearching = true;
        lock (_entryGate) _underWay++;
    }

    /// <summary>Entry links are closed when no search needs them any more.</summary>
    private async Task EndSearchAsync(Pairing pairing, IReadOnlyCollection<PeerId> entries)
    {
        pairing.IsSearching = false;
        PeerId[] drop = [];
        lock (_entryGate)
        {
            _toDrop.UnionWith(entries);
            if (--_underWay == 0)
            {
                drop = [.. _toDrop];
                _toDrop.Clear();
            }
        }

        foreach (var entry in drop) await DropAsync(entry).ConfigureAwait(false);
    }

    private async Task DropAsync(PeerId entry)
    {
        // The topic of everybody is no reason to keep anybody.
        if (_host.Find(entry) is not { } link || _wire.Followed.Any(topic => topic != Topic.All.Wire && _wire.Followers(topic).Contains(entry))) return;
        IReadOnlyList<Multiaddr> addresses = link.Connection.Direction == Direction.Outbound ? [link.Connection.RemoteAddress, .. link.Info.ListenAddresses] : link.Info.ListenAddresses;
        lock (_entryGate)
        {
            if (addresses.Count > 0 && (_dropped.Count < MaxEntries || _dropped.ContainsKey(entry))) _dropped[entry] = addresses;
        }

        _metrics.EntryDropped();
        _log.EntryDropped(entry);
        await _partAsync(entry).ConfigureAwait(false);
    }

    /// <summary>A node without links has nobody to ask: it goes back to the entries that it dropped.</summary>
    private async Task ReturnToEntriesAsync(CancellationToken cancellationToken)
    {
        if (_host.Links.Count > 0) return;
        KeyValuePair<PeerId, IReadOnlyList<Multiaddr>>[] entries;
        lock (_entryGate) entries = [.. _dropped];
        foreach (var (entry, addresses) in entries)
        {
            try
            {
                await _host.ConnectAsync(entry, addresses, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (StarlingException error)
            {
                _log.NotLinked(entry, "the overlay", error.Message);
            }
        }
    }

    /// <summary>Searches whenever there are too few, with a growing pause while nobody is found.</summary>
    private async Task KeepAsync(Pairing pairing)
    {
        var options = pairing.Options;
        var pause = options.RetryAfter;
        try
        {
            while (true)
            {
                try
                {
                    await PairOnceAsync(pairing, pairing.End).ConfigureAwait(false);
                    pause = options.RetryAfter;
                    await pairing.Followers.WaitAsync(options.Wanted, fewer: true, pairing.End).ConfigureAwait(false);
                    _log.Lost(pairing.Topic.Name);
                    Tell(new PairingChange(pairing.Topic, pairing.Followers.Peers, IsPaired: false));
                }
                catch (TimeoutException)
                {
                    _log.NobodyFound(pairing.Topic.Name, pause);
                    await WaitAsync(pairing, pause).ConfigureAwait(false);
                    pause = pause * 2 > MaxPause && MaxPause > options.RetryAfter ? MaxPause : pause * 2 > MaxPause ? options.RetryAfter : pause * 2;
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // Disposed, or the node has stopped.
        }
    }

    /// <summary>Until the next search is due, or enough have come by themselves.</summary>
    private async Task WaitAsync(Pairing pairing, TimeSpan pause)
    {
        using var time = new CancellationTokenSource(_random.Jitter(pause), _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, pairing.End);
        await pairing.Followers.WaitAsync(pairing.Options.Wanted, fewer: false, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        pairing.End.ThrowIfCancellationRequested();
    }
}
