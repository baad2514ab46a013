using System.Net;

namespace Starling.Protocols.Discovery;

/// <summary>What the shell of a discovery's core is asked to do.</summary>
public abstract record DiscoveryEffect
{
    /// <summary>Send a packet on an interface.</summary>
    /// <param name="Interface">Index into the interfaces that the core was given.</param>
    /// <param name="Packet">The packet; the shell may keep it.</param>
    /// <param name="To">Whom to; null is the multicast group.</param>
    public sealed record Send(int Interface, byte[] Packet, IPEndPoint? To = null) : DiscoveryEffect;

    /// <summary>A peer was found, or its addresses changed.</summary>
    /// <param name="Peer">Whose addresses these claim to be, which only a handshake proves; null when the source does not know.</param>
    /// <param name="Addresses">Every address known now, without the peer id.</param>
    public sealed record Found(PeerId? Peer, IReadOnlyList<Multiaddr> Addresses) : DiscoveryEffect;

    /// <summary>A known peer was heard of again; nothing changed.</summary>
    /// <inheritdoc cref="Found"/>
    public sealed record Heard(PeerId? Peer, IReadOnlyList<Multiaddr> Addresses) : DiscoveryEffect;

    /// <summary>A peer said good-bye, or was not heard of for as long as it asked to be remembered.</summary>
    /// <inheritdoc cref="Found"/>
    public sealed record Lost(PeerId? Peer, IReadOnlyList<Multiaddr> Addresses) : DiscoveryEffect;

    /// <summary>Call the core's <c>Tick</c> at this instant. Replaces the earlier timer.</summary>
    public sealed record SetTimer(Instant At) : DiscoveryEffect;

    /// <summary>Input was refused or passed over; to be counted.</summary>
    public sealed record Refused(DiscoveryRefusal Reason) : DiscoveryEffect;
}
