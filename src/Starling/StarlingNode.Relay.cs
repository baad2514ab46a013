using Starling.Net.PubSub;

namespace Starling;

/// <content>What the node hands on for others.</content>
public sealed partial class StarlingNode
{
    /// <summary>What this node is in its overlay.</summary>
    public NodeRole Role => _options.Role;

    /// <summary>What this node hands on for others: switches for all of it, for topics, what spreads and messages, and for each kind.</summary>
    public NodeRelay Relay => _parts.Relay;

    /// <summary>Relays a topic from now on, whether this node follows it or not: neighbours that follow it get its messages from here. Disposing the result ends that.</summary>
    /// <exception cref="ArgumentException">The name cannot be a topic's.</exception>
    public IDisposable RelayTopic(Topic topic) => _parts.Topics.Relay(topic);
}
