using Starling.Net.Links;

namespace Starling;

/// <content>Which links are kept.</content>
public sealed partial class StarlingOptions
{
    /// <summary>Which links the node looks for, keeps, makes again and prunes.</summary>
    public LinkManagerOptions Links { get; set; } = new();
}
