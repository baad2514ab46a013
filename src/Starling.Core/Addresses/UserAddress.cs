using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Starling;

/// <summary>Turns the forms in which people write endpoints into multiaddr text; the values are judged there.</summary>
internal static class UserAddress
{
    internal static bool TryTranslate(string text, [NotNullWhen(true)] out string? canonical, [NotNullWhen(false)] out string? error)
    {
        canonical = text;
        error = null;
        if (text.StartsWith('/')) return true;
        canonical = null;
        if (text.Length is 0 or > Multiaddr.MaxTextLength)
        {
            error = text.Length == 0 ? "it is empty; write for example 192.0.2.1:4001 or /ip4/192.0.2.1/tcp/4001" : "it is too long";
            return false;
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var (endPoint, rest) = slash < 0 ? (text, "") : (text[..slash], text[slash..]);
        var colon = endPoint.LastIndexOf(':');
        // [v6] has its colons inside the brackets.
        if (colon < 0 || colon < endPoint.LastIndexOf(']')) error = $"it has no port; write {(endPoint.Length == 0 ? "host" : Quote.Text(endPoint))}:4001";
        else if (colon == 0) error = "it has no host; write 0.0.0.0 for every IPv4 interface or [::] for every IPv6 interface";
        if (error is not null) return false;

        var (host, port) = (endPoint[..colon], endPoint[(colon + 1)..]);
        if (port.Length is 0 or > 5 || !port.All(char.IsAsciiDigit)) error = $"the port '{Quote.Text(port)}' is no number from 0 to 65535";
        else if (HostText(host, out var hostText) is { } wrong) error = wrong;
        else canonical = $"{hostText}/tcp/{port}{rest}";
        return canonical is not null;
    }

    private static string? HostText(string host, out string text)
    {
        text = "";
        if (host[0] == '[')
        {
            if (host[^1] != ']' || host.Length < 3) return "the bracket around the IPv6 address is not closed before the port, as in [2001:db8::1]:4001";
            var inner = host[1..^1];
            var percent = inner.IndexOf('%', StringComparison.Ordinal);
            text = percent < 0 ? $"/ip6/{inner}" : $"/ip6zone/{inner[(percent + 1)..]}/ip6/{inner[..percent]}";
            return null;
        }

        if (host.Contains(':', StringComparison.Ordinal)) return "an IPv6 address stands in brackets before its port, as in [2001:db8::1]:4001";
        // A name of digits and dots only is a mistyped IPv4 address.
        var isIp4 = (IPAddress.TryParse(host, out var ip) && ip.GetAddressBytes().Length == 4) || host.All(c => char.IsAsciiDigit(c) || c == '.');
        text = isIp4 ? $"/ip4/{host}" : $"/dns/{host}";
        return null;
    }
}
