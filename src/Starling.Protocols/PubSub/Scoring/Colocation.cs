using System.Net;

namespace Starling.Protocols.PubSub.Scoring;

/// <summary>How many linked neighbours share an address: an IPv4 address or an IPv6 /64, which one household or one rented machine usually has.</summary>
internal sealed class Colocation
{
    private readonly Dictionary<string, int> _peers = new(StringComparer.Ordinal);
    private readonly List<IPNetwork> _allowed = [];

    public Colocation(IEnumerable<string> allowed)
    {
        foreach (var text in allowed) _allowed.Add(IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8) : IPNetwork.Parse(text));
    }

    /// <summary>Adds a neighbour.</summary>
    /// <returns>The group that it belongs to; null when it has no address or its address is allowed any number.</returns>
    public string? Add(string? address)
    {
        if (Group(address) is not { } group) return null;
        _peers[group] = Count(group) + 1;
        return group;
    }

    /// <summary>A neighbour left its group.</summary>
    public void Remove(string? group)
    {
        if (group is null || !_peers.TryGetValue(group, out var count)) return;
        if (count > 1) _peers[group] = count - 1;
        else _peers.Remove(group);
    }

    /// <summary>Neighbours of a group.</summary>
    public int Count(string? group) => group is null ? 0 : _peers.GetValueOrDefault(group);

    private string? Group(string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        if (!IPAddress.TryParse(text, out var address)) return text;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        foreach (var range in _allowed)
        {
            if (range.Contains(address)) return null;
        }

        var bytes = address.GetAddressBytes();
        if (bytes.Length == 16) bytes.AsSpan(8).Clear();
        return new IPAddress(bytes).ToString();
    }
}
