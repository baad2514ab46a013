using Starling.Net.Discovery;

namespace Starling;

/// <content>Finding others and being found.</content>
public sealed partial class StarlingOptions
{
    /// <summary>How the node finds others and is found. <see cref="Mdns"/> and <see cref="Bootstrap"/> are short ways to choose two kinds.</summary>
    public DiscoveryOptions Discovery { get; set; } = new();

    /// <summary>What peers and discoveries are told of the node's addresses, instead of those it listens on. Default none. At most 16.</summary>
    /// <remarks>For a node behind a translator of addresses. Each is an IP address or a name, which gets the ports that are listened on, or
    /// <c>host:port</c>, or a multiaddress. Nobody checks that the node can be reached there.</remarks>
    public IList<string> Announce { get; set; } = [];

    /// <summary>Whether the addresses listened on are told beside those of <see cref="Announce"/>. Default off.</summary>
    public bool AnnounceListened { get; set; }
}
