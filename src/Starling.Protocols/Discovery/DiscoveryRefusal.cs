namespace Starling.Protocols.Discovery;

/// <summary>Why multicast input was refused; a metric tag.</summary>
public enum DiscoveryRefusal
{
    /// <summary>The packet is larger than 9,000 bytes.</summary>
    TooLarge,

    /// <summary>The packet is no readable DNS message.</summary>
    Malformed,

    /// <summary>The packet has too many questions or records.</summary>
    TooManyEntries,

    /// <summary>The packet announces more peers than a packet may; the rest were passed over.</summary>
    TooManyPeersInPacket,

    /// <summary>The announcement has more addresses than are kept; the rest were passed over.</summary>
    TooManyAddresses,

    /// <summary>An address could not be read and was passed over.</summary>
    UnreadableAddress,

    /// <summary>An address does not fit the interface, such as a loopback address on a real one, and was passed over.</summary>
    UnfitAddress,

    /// <summary>An address does not end in a peer id; the announcement was refused.</summary>
    NoPeerId,

    /// <summary>The addresses name different peers; the announcement was refused.</summary>
    MixedPeerIds,

    /// <summary>Somebody else announces our own peer id, or another id at our own place; the announcement was refused.</summary>
    OwnPeerId,

    /// <summary>The table of announcements is full; this one was refused.</summary>
    TableFull,

    /// <summary>The message is for another service than ours.</summary>
    WrongService,

    /// <summary>The message has no location where one is needed, or one that nobody can dial.</summary>
    BadLocation,

    /// <summary>The location is at another address than the one that the message came from.</summary>
    ForeignLocation,

    /// <summary>The message came from an address outside the interface's network.</summary>
    ForeignSource,

    /// <summary>More ask than are answered in a second; this one was not.</summary>
    TooManyQuestions,
}
