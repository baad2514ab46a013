using Starling.Net.Discovery;
using Starling.Net.Joining;

namespace Starling;

/// <content>Finding others and being found.</content>
public sealed partial class StarlingNode
{
    /// <summary>The node's discoveries: search with them, start and stop them and their beacons, and add more. The node owns it.</summary>
    /// <example><code>
    /// await foreach (var peer in node.Discovery.FindAsync(new DiscoverySearch { Limit = 3 })) Console.WriteLine(peer.Peer);
    /// </code></example>
    public DiscoverySet Discovery => _parts.Discovery;

    /// <summary>The addresses that others are told, each with this node's peer id: those of <see cref="StarlingOptions.Announce"/>, or those listened on.</summary>
    /// <remarks>Listening on every interface stands for the addresses that the interfaces have now.</remarks>
    public IReadOnlyList<Multiaddr> AnnouncedAddresses => [.. _parts.Swarm.AnnouncedAddresses.Select(Named)];

    /// <inheritdoc cref="JoinService.JoinAsync"/>
    public Task<JoinResult> JoinAsync(JoinOptions? options = null, CancellationToken cancellationToken = default) => _parts.Joining.JoinAsync(options, cancellationToken);

    /// <inheritdoc cref="JoinService.Handle"/>
    public IDisposable OnJoin(JoinHandler handler) => _parts.Joining.Handle(handler);
}
