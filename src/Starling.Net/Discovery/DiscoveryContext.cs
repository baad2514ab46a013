using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;

namespace Starling.Net.Discovery;

/// <summary>What a discovery is made from. Owned by the node; a discovery disposes none of it.</summary>
/// <param name="Self">This node's id.</param>
/// <param name="Options">Checked; not changed afterwards.</param>
public sealed record DiscoveryContext(PeerId Self, DiscoveryOptions Options)
{
    /// <summary>The addresses that this node tells others, without peer id; asked again before each announcement. Default none.</summary>
    public Func<IReadOnlyList<Multiaddr>> Addresses { get; init; } = static () => [];

    /// <summary>The addresses of peers that are known beforehand. Default none.</summary>
    public IReadOnlyList<Multiaddr> Bootstrap { get; init; } = [];

    /// <summary>The node's links, for discoveries that ask peers; null where there is no node.</summary>
    public ILinkHost? Host { get; init; }

    /// <summary>The interfaces of the machine. Default the system's.</summary>
    public INetwork Network { get; init; } = SystemNetwork.Instance;

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Names and jitter. Default the system's.</summary>
    public RandomSource Random { get; init; } = RandomSource.System;

    /// <summary>Counts.</summary>
    public required DiscoveryMetrics Metrics { get; init; }

    /// <summary>Makes the logs. Default none.</summary>
    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;
}
