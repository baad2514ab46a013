using Starling.Net.Exchange;
using Starling.Net.Spread;
using Starling.Protocols.Spread;

namespace Starling;

/// <content>What travels from neighbour to neighbour: items, searches, lists of peers.</content>
public sealed partial class StarlingNode
{
    /// <summary>Sends small items from neighbour to neighbour, so far as their hops reach: register kinds, publish, reply, choose what is relayed.</summary>
    public SpreadService Spread => _parts.Overlay.Spread;

    /// <summary>What searches are built on, with its counters.</summary>
    public OverlaySearch Search => _parts.Overlay.Search;

    /// <summary>Answers searches for a subject from now on, with this node's signed addresses. Disposing ends that.</summary>
    /// <param name="subject">From 1 to 256 bytes of UTF-8; compared byte by byte.</param>
    /// <param name="answers">Whom to answer; null answers everybody. Returns at once and never throws; called from any thread.</param>
    /// <exception cref="ArgumentException">The subject is empty, too long or no valid Unicode.</exception>
    public IDisposable Serve(string subject, Func<SearchQuery, bool>? answers = null) => _parts.Overlay.Search.Serve(subject, answers);

    /// <summary>Yields peers that serve a subject, wherever they are in the overlay, until enough are found or the time is over. They are not connected to.</summary>
    /// <param name="subject">What is sought.</param>
    /// <param name="options">How far and how long; null takes the defaults: 16 peers, 10 seconds.</param>
    /// <param name="cancellationToken">Ends the search with an exception.</param>
    /// <example><code>
    /// await foreach (var found in node.SearchAsync("printers")) await node.ConnectAsync(found.Peer, found.Addresses);
    /// </code></example>
    public IAsyncEnumerable<SearchResult> SearchAsync(string subject, SearchOptions? options = null, CancellationToken cancellationToken = default) =>
        _parts.Overlay.Search.SearchAsync(subject, options, cancellationToken);

    /// <summary>Exchanges lists of peers with neighbours: asks one, tells all, refreshes now. By itself it does so where the discovery <c>peer-exchange</c> was chosen.</summary>
    public PeerExchange PeerExchange => _parts.Overlay.Exchange;
}
