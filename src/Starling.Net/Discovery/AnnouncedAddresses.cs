using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Starling.Net.Discovery;

/// <summary>What a node tells others of where it is: the addresses that it listens on, or given ones, as behind a translator of addresses.</summary>
public sealed class AnnouncedAddresses
{
    private readonly IReadOnlyList<string> _given;
    private readonly bool _withListened;

    /// <summary>Takes the given addresses.</summary>
    /// <param name="given">Each an IP address or a name, which gets the ports that are listened on, or with a port, or a multiaddress.</param>
    /// <param name="withListened">Whether the addresses listened on are told as well. Without given ones they always are.</param>
    public AnnouncedAddresses(IEnumerable<string> given, bool withListened)
    {
        _given = [.. given];
        _withListened = withListened;
    }

    /// <summary>Says of each text what is wrong with it.</summary>
    public static void Check(IList<string> given, string name, OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(given);
        ArgumentNullException.ThrowIfNull(problems);
        if (given.Count > 16) problems.Add(name, $"{given.Count} addresses", "are more than 16", "leave some out");
        foreach (var text in given)
        {
            try
            {
                var address = Parse(text, 1);
                if (address.PeerId is not null) problems.Add(name, text, "names a peer", "leave /p2p/… away: a node announces itself");
                else if (address.TryGetTcpHost(out var host, out _) && IPAddress.TryParse(host, out var ip) && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)))
                    problems.Add(name, text, "is no address that others can dial", "give the one that they see");
            }
            catch (FormatException error)
            {
                problems.Add(name, text, $"is no address ({error.Message})", "write it like 203.0.113.7, node.example.org:4001 or /ip4/203.0.113.7/tcp/4001");
            }
        }
    }

    /// <summary>What is told while these addresses are listened on; the given ones first.</summary>
    public IReadOnlyList<Multiaddr> Of(IReadOnlyList<Multiaddr> listening)
    {
        ArgumentNullException.ThrowIfNull(listening);
        if (_given.Count == 0) return listening;
        var told = _given.SelectMany(text => Expand(text, listening));
        return [.. (_withListened ? told.Concat(listening) : told).Distinct()];
    }

    private static IEnumerable<Multiaddr> Expand(string text, IReadOnlyList<Multiaddr> listening)
    {
        if (HasPort(text)) return [Parse(text, 0)];
        var all = listening.Select(one => (IsIp6: one.Components is [{ Protocol: "ip6" }, ..], Port: one.TryGetTcpHost(out _, out var port) ? (int)port : 0)).Where(one => one.Port > 0).ToList();

        // The ports of the same family; a translator may turn one family into the other.
        var same = IPAddress.TryParse(text, out var ip) ? all.Where(one => one.IsIp6 == (ip.AddressFamily == AddressFamily.InterNetworkV6)).ToList() : all;
        return (same.Count > 0 ? same : all).Select(one => one.Port).Distinct().Select(port => Parse(text, port));
    }

    private static bool HasPort(string text) => text.StartsWith('/') || (!IPAddress.TryParse(text, out _) && text.Contains(':'));

    private static Multiaddr Parse(string text, int port)
    {
        if (HasPort(text)) return Multiaddr.ParseUserInput(text);
        var host = IPAddress.TryParse(text, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{text}]" : text;
        return Multiaddr.ParseUserInput(string.Create(CultureInfo.InvariantCulture, $"{host}:{port}"));
    }
}
