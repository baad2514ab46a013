using Starling.Net.Discovery;

namespace Starling;

/// <content>Finding others and being found.</content>
public sealed partial class StarlingOptions
{
    /// <summary>How the node finds others and is found. <see cref="Mdns"/> and <see cref="Bootstrap"/> are short ways to choose two kinds.</summary>
    public DiscoveryOptions Discovery { get; set; } = new();
}
