using Starling.Net.Exchange;
using Starling.Net.Spread;

namespace Starling;

/// <content>Spread.</content>
public sealed partial class StarlingOptions
{
    /// <summary>The bounds of what spreads from neighbour to neighbour.</summary>
    public SpreadServiceOptions Spread { get; set; } = new();

    /// <summary>The bounds of searches in the overlay, and what the discovery <c>overlay</c> looks for.</summary>
    public OverlaySearchOptions Search { get; set; } = new();

    /// <summary>How lists of peers are exchanged with neighbours.</summary>
    public PeerExchangeOptions PeerExchange { get; set; } = new();
}
