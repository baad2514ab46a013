namespace Starling.Protocols.Discovery;

/// <summary>How much a node does to find others and to be found.</summary>
public enum DiscoveryMode
{
    /// <summary>Announces, asks and answers.</summary>
    Active,

    /// <summary>Hears what others announce and never sends a packet.</summary>
    ListenOnly,

    /// <summary>Is not started with the node.</summary>
    Off,
}
