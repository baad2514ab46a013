using System.Net;
using Microsoft.Extensions.Logging;
using Starling.Net.Links;

namespace Starling.Cli;

/// <summary>The node that a verb wants.</summary>
internal sealed class NodeSetup
{
    /// <summary>Where to accept links; none is a free port of this machine.</summary>
    public IReadOnlyList<Multiaddr> Listen { get; init; } = [];

    /// <summary>Whom to link with at the start.</summary>
    public IReadOnlyList<Multiaddr> Connect { get; init; } = [];

    public string? Identity { get; init; }

    /// <summary>Whether to find peers by multicast; null leaves it to the configuration.</summary>
    public bool? Discover { get; init; }

    /// <summary>Where multicast goes; none is the loopback interface.</summary>
    public IReadOnlyList<IPAddress> Interfaces { get; init; } = [];

    /// <summary>What others are told in place of the addresses listened on; none leaves it to the configuration.</summary>
    public IReadOnlyList<string> Announce { get; init; } = [];

    public string? Name { get; init; }

    /// <summary>Whether the node is an entry point that keeps nothing; false leaves it to the configuration.</summary>
    public bool Root { get; init; }

    /// <summary>Options from a file, under those above; null for none.</summary>
    public StarlingOptions? Configured { get; init; }

    /// <summary>The admin socket, or null for none.</summary>
    public string? Admin { get; init; }

    public TimeSpan? RoundTripInterval { get; init; }

    public bool Verbose { get; init; }

    /// <summary>Starts the node; the caller owns it.</summary>
    public async Task<StarlingNode> StartAsync(CancellationToken cancellationToken)
    {
        var options = Configured ?? new StarlingOptions();
        options.IdentityFile = Identity ?? options.IdentityFile;
        options.Mdns = Discover ?? options.Mdns;
        options.DisplayName = Name ?? options.DisplayName;
        options.Admin = Admin ?? options.Admin;
        if (Root) options.Role = NodeRole.Root;
        if (Listen.Count > 0) options.Listen = [.. Listen.Select(address => address.ToString())];
        if (Announce.Count > 0) options.Announce = [.. Announce];
        if (Interfaces.Count > 0) options.Discovery.Interfaces = [.. Interfaces.Select(address => address.ToString())];
        if (RoundTripInterval is { } interval) options.Health.SampleInterval = interval;
        return await StarlingNode.StartAsync(options, Verbose ? new NodeEnvironment { Loggers = Loggers } : new NodeEnvironment(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Links the node with everyone that it is to be linked with at the start.</summary>
    /// <exception cref="HandshakeException">One of them cannot be reached.</exception>
    public async Task<IReadOnlyList<PeerLink>> ConnectAsync(StarlingNode node, CancellationToken cancellationToken) =>
        await Task.WhenAll(Connect.Select(address => node.ConnectAsync(address, cancellationToken))).ConfigureAwait(false);

    /// <summary>Where a node logs: standard error, or nowhere.</summary>
    public static ILoggerFactory LoggersFor(bool verbose) => verbose ? Loggers : Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance;

    // Lives as long as the process, whose nodes all log to standard error.
    private static ILoggerFactory Loggers { get; } = LoggerFactory.Create(logging => logging
        .SetMinimumLevel(LogLevel.Debug)
        .AddSimpleConsole(console => console.SingleLine = true)
        .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
}
