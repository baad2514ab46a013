namespace Starling.Gateways.Gossip;

/// <content>What the configuration means for a node and its API.</content>
public sealed partial record GossipConfig
{
    /// <summary>Whether a bootstrapper is this node itself, as in files that all nodes share: it is then not dialled.</summary>
    private IEnumerable<Multiaddr> Others => Bootstrappers.Where(one => Listen is null || !one.WithoutPeerId().Equals(Listen.WithoutPeerId()));

    /// <summary>Options of a node that does what the configuration asks for; the identity of <see cref="HostKey"/> comes apart, by <see cref="GossipHostKey"/>.</summary>
    public StarlingOptions ToNodeOptions()
    {
        var options = new StarlingOptions
        {
            Bootstrap = [.. Others.Select(one => one.ToString())],
            Spread = { MaxKept = Math.Max(1024, CacheSize) },
            PeerExchange = { Enabled = PeerExchange, LeastInterval = TimeSpan.FromSeconds(5), Interval = TimeSpan.FromMinutes(10) },
        };
        if (Listen is not null) options.Listen = [Listen.ToString()];
        if (PeerExchange) options.Discovery.Providers = ["peer-exchange"];
        if (Degree is { } degree) options.Links.Neighbours = degree;
        if (!PeerExchange) options.Links.Neighbours = 0;
        if (MaxConnections is { } most) (options.Links.LowWater, options.Links.HighWater, options.MaxLinks) = (most, most, Budget(most));
        return options;
    }

    /// <summary>Options of the API.</summary>
    public GossipApiOptions ToApiOptions() => new()
    {
        Listen = Api,
        CacheSize = CacheSize,
        Degree = Degree,
        MaxTtl = MaxTtl,
        PeerUpdates = PeerExchange,
    };

    /// <summary>Links that may be there for a moment: a newcomer is linked first, and told of others, before the least useful link is closed.</summary>
    private static int Budget(int connections) => Math.Max(1024, connections * 2);
}
