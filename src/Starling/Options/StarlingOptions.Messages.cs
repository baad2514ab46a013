using Starling.Net.Messages;

namespace Starling;

/// <content>Messages.</content>
public sealed partial class StarlingOptions
{
    /// <summary>The bounds of typed messages.</summary>
    public MessageOptions Messages { get; set; } = new();
}
