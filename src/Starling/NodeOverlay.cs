using Microsoft.Extensions.Logging;
using Starling.Net.Discovery;
using Starling.Net.Exchange;
using Starling.Net.Links;
using Starling.Net.Spread;

namespace Starling;

/// <summary>What travels from neighbour to neighbour: items that spread, searches on top of them, and lists of peers.</summary>
internal sealed class NodeOverlay : IAsyncDisposable
{
    private readonly StarlingOptions _options;

    public NodeOverlay(StarlingOptions options, NodeEnvironment environment, NodeIdentity identity, Swarm swarm, IPeerBook book, ResourceBudget budget)
    {
        _options = options;
        var clock = environment.Clock;
        Spread = new SpreadService(swarm, identity, options.Spread, budget, clock, environment.Random, environment.Loggers.CreateLogger<SpreadService>(), environment.Meters);
        Search = new OverlaySearch(Spread, identity, swarm.OwnRecord, options.Search);
        Exchange = new PeerExchange(swarm, book, swarm.OwnRecord, options.PeerExchange, clock, environment.Random, environment.Loggers.CreateLogger<PeerExchange>(), environment.Meters);
    }

    public SpreadService Spread { get; }

    public OverlaySearch Search { get; }

    public PeerExchange Exchange { get; }

    public OverlayDiscovery Discover(DiscoveryContext context) => new(Search, _options.Search, context);

    public async ValueTask DisposeAsync()
    {
        await Exchange.DisposeAsync();
        Search.Dispose();
        await Spread.DisposeAsync();
    }
}
