namespace Starling;

/// <content>The role.</content>
public sealed partial class StarlingOptions
{
    /// <summary>What the node is in its overlay: <c>Member</c>, or <c>Root</c>, an entry point that relays and keeps nothing. Default Member.</summary>
    public NodeRole Role { get; set; }
}
