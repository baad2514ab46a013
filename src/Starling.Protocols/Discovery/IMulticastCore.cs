using System.Net;

namespace Starling.Protocols.Discovery;

/// <summary>A discovery by multicast as a pure state machine, to be driven by one loop that carries out its effects in order.</summary>
public interface IMulticastCore
{
    /// <summary>Bytes of the largest packet that is read; a larger one is handed over cut to one byte more.</summary>
    int MaxPacket { get; }

    /// <summary>Starts, and does not announce anything when there is no beacon.</summary>
    void Start(Instant now, ICollection<DiscoveryEffect> effects);

    /// <summary>Stops: says good-bye where there is one, and forgets every peer without reporting them lost.</summary>
    void Stop(ICollection<DiscoveryEffect> effects);

    /// <summary>Sets the addresses to tell, without peer id.</summary>
    void SetAddresses(IReadOnlyList<Multiaddr> addresses, Instant now, ICollection<DiscoveryEffect> effects);

    /// <summary>Begins or ends unsolicited announcements, and sets the time between two of them. Takes effect at once.</summary>
    void SetBeacon(bool isOn, TimeSpan interval, Instant now, ICollection<DiscoveryEffect> effects);

    /// <summary>Asks for peers now, unless the last question was asked a moment ago.</summary>
    void Search(Instant now, ICollection<DiscoveryEffect> effects);

    /// <summary>Says everything anew, as after a change of the network.</summary>
    void Renew(Instant now, ICollection<DiscoveryEffect> effects);

    /// <summary>Does what is due. Calling it early or late does no harm.</summary>
    void Tick(Instant now, ICollection<DiscoveryEffect> effects);

    /// <summary>Takes a packet.</summary>
    /// <param name="face">Index of the interface that it came in on.</param>
    /// <param name="from">Who sent it, as far as the network says.</param>
    /// <param name="packet">The packet; not kept.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    void Receive(int face, IPEndPoint from, ReadOnlySpan<byte> packet, Instant now, ICollection<DiscoveryEffect> effects);
}
