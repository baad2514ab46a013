using System.Net;
using System.Net.Sockets;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>Where and how multicast DNS works.</summary>
public sealed class MdnsDiscoveryOptions
{
    /// <summary>The interfaces to announce on and to listen on, each by its IPv4 address. Default 127.0.0.1 alone: nothing leaves the machine unless told to.</summary>
    /// <remarks>On the loopback interface packets go out with TTL 0, elsewhere with 255 (RFC 6762 §11). The packets travel over IPv4 alone; they tell of IPv6 addresses as well.</remarks>
    public IReadOnlyList<IPAddress> Interfaces { get; set; } = [IPAddress.Loopback];

    /// <summary>The UDP port. Default 5353. Shared with every other node and mDNS responder of the host.</summary>
    public int Port { get; set; } = 5353;

    /// <summary>Names, intervals and limits.</summary>
    public MdnsOptions Protocol { get; set; } = new();

    /// <summary>Packets waiting to be looked at; more are dropped and counted. Default 256, at most 9 KB each.</summary>
    public int MaxQueuedPackets { get; set; } = 256;

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentException">One is out of range; the message says which.</exception>
    public void Validate()
    {
        if (Interfaces.Count is 0 or > 64) throw new ArgumentException($"{nameof(Interfaces)} must name 1 to 64 addresses.");
        if (Interfaces.Distinct().Count() < Interfaces.Count) throw new ArgumentException($"{nameof(Interfaces)} names an address twice; name it once.");
        if (Interfaces.FirstOrDefault(one => one.AddressFamily != AddressFamily.InterNetwork) is { } wrong)
            throw new ArgumentException($"{nameof(Interfaces)} names {wrong}, but mDNS travels over IPv4 here: name an IPv4 address of that interface.");
        if (Port is < 1 or > 65535) throw new ArgumentException($"{nameof(Port)} must be 1 to 65535; {Port} is not.");
        if (MaxQueuedPackets < 1) throw new ArgumentException($"{nameof(MaxQueuedPackets)} must be positive.");
        Protocol.Validate();
    }
}
