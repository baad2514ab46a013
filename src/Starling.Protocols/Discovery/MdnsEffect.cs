using System.Net;

namespace Starling.Protocols.Discovery;

/// <summary>One interface that multicast DNS works on.</summary>
/// <param name="Address">The interface's own address; stands in for wildcard listen addresses.</param>
public sealed record MdnsInterface(IPAddress Address)
{
    /// <summary>Whether this is the loopback interface, where only loopback addresses are announced and believed.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(Address);
}

/// <summary>What the shell of <see cref="MdnsCore"/> is asked to do.</summary>
public abstract record MdnsEffect
{
    /// <summary>Multicast a packet on an interface.</summary>
    /// <param name="Interface">Index into the interfaces that the core was given.</param>
    /// <param name="Packet">The packet; the shell may keep it.</param>
    public sealed record Send(int Interface, byte[] Packet) : MdnsEffect;

    /// <summary>A peer was found, or its addresses changed.</summary>
    /// <param name="Peer">Whose addresses these claim to be; only a handshake proves it.</param>
    /// <param name="Addresses">Every address known now, without the peer id.</param>
    public sealed record Found(PeerId Peer, IReadOnlyList<Multiaddr> Addresses) : MdnsEffect;

    /// <summary>A peer said good-bye, or was not heard of for as long as it asked to be remembered.</summary>
    public sealed record Lost(PeerId Peer) : MdnsEffect;

    /// <summary>Call <see cref="MdnsCore.Tick"/> at this instant. Replaces the earlier timer.</summary>
    public sealed record SetTimer(Instant At) : MdnsEffect;

    /// <summary>Input was refused or passed over; to be counted.</summary>
    public sealed record Refused(MdnsRefusal Reason) : MdnsEffect;
}

/// <summary>Why multicast input was refused; a metric tag.</summary>
public enum MdnsRefusal
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

    /// <summary>Somebody else announces our own peer id; the announcement was refused.</summary>
    OwnPeerId,

    /// <summary>The table of announcements is full; this one was refused.</summary>
    TableFull,
}
