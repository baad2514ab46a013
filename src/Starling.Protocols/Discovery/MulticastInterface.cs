using System.Net;

namespace Starling.Protocols.Discovery;

/// <summary>One interface that discovery by multicast works on.</summary>
/// <param name="Address">The interface's own address; stands in for wildcard listen addresses.</param>
public sealed record MulticastInterface(IPAddress Address)
{
    /// <summary>Whether this is the loopback interface, where only loopback addresses are announced and believed.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(Address);
}
