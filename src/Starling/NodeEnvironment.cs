using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Discovery;

namespace Starling;

/// <summary>What a <see cref="StarlingNode"/> takes from its surroundings. The defaults are those of a program without a host.</summary>
/// <remarks>The node owns none of it.</remarks>
public sealed class NodeEnvironment
{
    /// <summary>Where the node logs. Default nowhere.</summary>
    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Makes the meters. Default meters outside any factory, which <c>dotnet-counters</c> sees as well.</summary>
    public IMeterFactory? Meters { get; init; }

    /// <summary>The clock of every timeout. Default the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Randomness for everything but keys. Default the system's.</summary>
    public RandomSource Random { get; init; } = RandomSource.System;

    /// <summary>The node's key, instead of <see cref="StarlingOptions.IdentityFile"/>. Default null. Stays the caller's to dispose, after the node.</summary>
    public NodeIdentity? Identity { get; init; }

    /// <summary>The kinds of discovery that options can choose by name. Default those of the library; <see cref="DiscoveryRegistry.Register"/> adds to them.</summary>
    public DiscoveryRegistry Discoveries { get; init; } = new();

    /// <summary>The network interfaces that discoveries look at. Default the system's.</summary>
    public INetwork Network { get; init; } = SystemNetwork.Instance;

    /// <summary>The application behind the node. Default none.</summary>
    public INodeApplication? Application { get; init; }

    /// <summary>Transports beside TCP, asked first. Default none.</summary>
    public IReadOnlyList<ITransport> Transports { get; init; } = [];

    /// <summary>Writes and reads values of typed topics. Default JSON by System.Text.Json; give it generated contexts in trimmed programs.</summary>
    public IPayloadSerializer Serializer { get; init; } = JsonPayloadSerializer.Default;
}
