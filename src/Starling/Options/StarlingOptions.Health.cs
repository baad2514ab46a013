using Starling.Net.Links;

namespace Starling;

public sealed partial class StarlingOptions
{
    /// <summary>How living links are told from dead ones: keep-alive, suspicion, round trips.</summary>
    public HealthOptions Health { get; set; } = new();
}
