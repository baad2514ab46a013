using System.Net;

namespace Starling.Protocols.Discovery;

/// <summary>One interface that discovery by multicast works on.</summary>
/// <param name="Address">The interface's own address; stands in for wildcard listen addresses.</param>
/// <param name="PrefixLength">Bits that the addresses of its network have in common; 0 where that is not known.</param>
public sealed record MulticastInterface(IPAddress Address, int PrefixLength = 0)
{
    /// <summary>Whether this is the loopback interface, where only loopback addresses are announced and believed.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(Address);

    /// <summary>Whether an address is one of the interface's network.</summary>
    public bool Contains(IPAddress other)
    {
        ArgumentNullException.ThrowIfNull(other);
        Span<byte> mine = stackalloc byte[16], theirs = stackalloc byte[16];
        if (!Address.TryWriteBytes(mine, out var length) || !other.TryWriteBytes(theirs, out var otherLength) || length != otherLength) return false;
        for (var bit = 0; bit < PrefixLength && bit < length * 8; bit++)
        {
            if (((mine[bit / 8] ^ theirs[bit / 8]) & (0x80 >> (bit % 8))) != 0) return false;
        }

        return true;
    }
}
