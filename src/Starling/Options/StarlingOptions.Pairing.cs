using Starling.Net.Pairing;

namespace Starling;

/// <content>Pairing.</content>
public sealed partial class StarlingOptions
{
    /// <summary>How this node finds others of its topics, and is found by them.</summary>
    public PairingServiceOptions Pairing { get; set; } = new();
}
