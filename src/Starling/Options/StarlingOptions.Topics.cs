using Starling.Net.PubSub;

namespace Starling;

/// <content>Topics.</content>
public sealed partial class StarlingOptions
{
    /// <summary>The bounds of topics: the router's, its mesh's, and those of queues and waits. Their <see cref="PubSubServiceOptions.StopTimeout"/> is cut to half of <see cref="StopTimeout"/>.</summary>
    public PubSubServiceOptions Topics { get; set; } = new();

    /// <summary>Whether the node follows <see cref="Topic.All"/>, hands its messages on and keeps its log, also without a subscription. Default true.</summary>
    public bool FollowAll { get; set; } = true;
}
