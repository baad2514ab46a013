namespace Starling;

/// <summary>What a node is in its overlay.</summary>
public enum NodeRole
{
    /// <summary>It follows topics, keeps what its options say, and hands on what it knows. The default.</summary>
    Member,

    /// <summary>An entry point: it hands on searches, what spreads, of every kind, and the peers that it is linked with, and keeps nothing. It follows no topic,
    /// keeps no items for neighbours to come, and remembers no peer that it is not linked with. Topics that it is told to relay it relays.</summary>
    Root,
}
