using Starling.Protocols.PubSub;

namespace Starling.Simulation;

/// <summary>What a node does against the protocol. It runs the same router as the others; this stands between the router and the links.</summary>
public abstract class NodeBehaviour
{
    /// <summary>Whether the node sends what its router wants sent.</summary>
    /// <param name="node">The node.</param>
    /// <param name="effect">A message, a subscription or control.</param>
    public abstract bool Sends(SimulatedNode node, in PubSubEffect effect);

    /// <summary>After each heartbeat of the node's router; may send whatever it likes with <see cref="SimulatedNode.Send"/>.</summary>
    public virtual void OnHeartbeat(SimulatedNode node)
    {
    }
}
