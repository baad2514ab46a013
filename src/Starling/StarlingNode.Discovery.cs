using Starling.Net.Discovery;

namespace Starling;

/// <content>Finding others and being found.</content>
public sealed partial class StarlingNode
{
    /// <summary>The node's discoveries: search with them, start and stop them and their beacons, and add more. The node owns it.</summary>
    /// <example><code>
    /// await foreach (var peer in node.Discovery.FindAsync(new DiscoverySearch { Limit = 3 })) Console.WriteLine(peer.Peer);
    /// </code></example>
    public DiscoverySet Discovery => _parts.Discovery;
}
