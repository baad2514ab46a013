using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Starling.Net.Transport;

/// <summary>What a bound wildcard stands for: the addresses of the interfaces that are up.</summary>
internal static class InterfaceAddresses
{
    /// <summary>The addresses that a listener accepts on; IPv6 link-local ones are left out, for they mean nothing without a zone.</summary>
    public static IReadOnlyList<Multiaddr> Resolve(IPEndPoint bound, bool dualStack)
    {
        if (!bound.Address.Equals(IPAddress.Any) && !bound.Address.Equals(IPAddress.IPv6Any)) return [Multiaddr.FromEndPoint(bound)];
        return [.. Local().Where(Fits).Select(ip => Multiaddr.FromEndPoint(new IPEndPoint(ip, bound.Port)))];

        bool Fits(IPAddress ip) => !ip.IsIPv6LinkLocal && (dualStack || ip.AddressFamily == bound.AddressFamily);
    }

    private static IEnumerable<IPAddress> Local() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(card => card.OperationalStatus == OperationalStatus.Up || card.NetworkInterfaceType == NetworkInterfaceType.Loopback)
        .SelectMany(card => card.GetIPProperties().UnicastAddresses)
        .Select(unicast => unicast.Address)
        .Where(ip => ip.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
        .Distinct();
}
