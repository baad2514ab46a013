using System.Globalization;
using System.Net;
using System.Text;

namespace Starling.Protocols.Discovery;

/// <summary>Which addresses may be said, and believed, on which interface.</summary>
internal static class FaceAddresses
{
    /// <summary>The address as it should be said on an interface, or null when it does not belong there.</summary>
    public static Multiaddr? Said(Multiaddr address, IPAddress face, out ushort port)
    {
        port = 0;
        var parts = address.Components;
        if (!TryHost(address, out var host) || parts.Any(part => part.Protocol == "p2p-circuit")) return null;
        if (parts.Count > 1) _ = ushort.TryParse(parts[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out port);
        if (host!.Equals(IPAddress.Any) || host.Equals(IPAddress.IPv6Any))
        {
            // A wildcard of the other family does not accept at this interface's address, unless it is dual-stack, which nobody can tell.
            if (host.GetAddressBytes().Length != face.GetAddressBytes().Length) return null;
            return Multiaddr.Parse(Replaced(parts, face));
        }

        return IPAddress.IsLoopback(host) == IPAddress.IsLoopback(face) ? address : null;
    }

    /// <summary>Whether an address that was heard on an interface can be meant for it.</summary>
    public static bool IsFit(IPAddress host, IPAddress face) =>
        !host.Equals(IPAddress.Any) && !host.Equals(IPAddress.IPv6Any) && IPAddress.IsLoopback(host) == IPAddress.IsLoopback(face);

    /// <summary>The IP address that an address begins with.</summary>
    public static bool TryHost(Multiaddr address, out IPAddress? host)
    {
        host = null;
        foreach (var part in address.Components)
        {
            if (part.Protocol == "ip6zone") continue;
            return part.Protocol is "ip4" or "ip6" && IPAddress.TryParse(part.Value, out host);
        }

        return false;
    }

    private static string Replaced(IReadOnlyList<MultiaddrComponent> parts, IPAddress host)
    {
        var text = new StringBuilder().Append('/').Append(parts[0].Protocol).Append('/').Append(Plain(host));
        foreach (var part in parts.Skip(1))
        {
            text.Append('/').Append(part.Protocol);
            if (part.Value.Length > 0) text.Append(part.Value.StartsWith('/') ? "" : "/").Append(part.Value);
        }

        return text.ToString();
    }

    // Without the zone, which means something on this machine only.
    private static IPAddress Plain(IPAddress address) => new(address.GetAddressBytes());
}
