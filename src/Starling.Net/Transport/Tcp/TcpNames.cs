using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Starling.Net.Transport;

/// <summary>Turns names in TCP addresses into IP addresses.</summary>
internal static class TcpNames
{
    /// <summary>Addresses of one name that are used; a name with more has the rest ignored.</summary>
    private const int MaxAddresses = 16;

    /// <summary>The same address for each IP address of its name; the address itself when it holds no name.</summary>
    /// <exception cref="HandshakeException">The name cannot be resolved.</exception>
    public static async Task<IReadOnlyList<Multiaddr>> ResolveAsync(Multiaddr address, NameLookup lookup, CancellationToken cancellationToken)
    {
        if (address.Components is not [{ Protocol: "dns" or "dns4" or "dns6" }, ..] || !address.TryGetTcpHost(out var host, out var port)) return [address];
        var family = address.Components[0].Protocol switch
        {
            "dns4" => AddressFamily.InterNetwork,
            "dns6" => AddressFamily.InterNetworkV6,
            _ => AddressFamily.Unspecified,
        };
        IPAddress[] found;
        try
        {
            found = await lookup(host, family, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new HandshakeException(HandshakeFailure.TransportFailed, $"The name {host} cannot be resolved: {e.Message}.", e);
        }

        if (family != AddressFamily.Unspecified) found = Array.FindAll(found, ip => ip.AddressFamily == family);
        if (found.Length == 0)
            throw new HandshakeException(HandshakeFailure.TransportFailed, string.Create(CultureInfo.InvariantCulture, $"The name {host} has no {(family == AddressFamily.InterNetworkV6 ? "IPv6" : family == AddressFamily.InterNetwork ? "IPv4" : "IP")} address."));
        var peer = address.PeerId;
        return [.. found.Take(MaxAddresses).Select(ip => Multiaddr.FromEndPoint(new IPEndPoint(ip, port))).Select(ip => peer is null ? ip : ip.WithPeerId(peer))];
    }
}
