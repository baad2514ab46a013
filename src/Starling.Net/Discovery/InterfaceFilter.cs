using System.Net;
using System.Net.Sockets;

namespace Starling.Net.Discovery;

/// <summary>Which interfaces discovery works on: each named by its address, its name, a network that it is in, or all by <c>*</c>; what begins with <c>!</c> is left out.</summary>
public sealed class InterfaceFilter
{
    private const int MaxFaces = 64;
    private readonly List<string> _wanted;
    private readonly List<string> _unwanted;

    /// <summary>Reads a filter.</summary>
    /// <param name="texts">Such as <c>127.0.0.1</c>, <c>eth0</c>, <c>192.168.0.0/16</c>, <c>*</c>, <c>!docker0</c>; none is 127.0.0.1.</param>
    public InterfaceFilter(IEnumerable<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        _wanted = [.. texts.Where(one => !one.StartsWith('!'))];
        _unwanted = [.. texts.Where(one => one.StartsWith('!')).Select(one => one[1..])];
        if (_wanted.Count == 0) _wanted.Add(_unwanted.Count == 0 ? "127.0.0.1" : "*");
    }

    /// <summary>Adds what is wrong with a filter's texts.</summary>
    public static void Check(IList<string> texts, string name, OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(problems);
        if (texts.Count > MaxFaces) problems.Add(name, $"{texts.Count} interfaces", $"are more than {MaxFaces}", "leave some out");
        foreach (var text in texts)
        {
            var plain = text.TrimStart('!');
            if (plain.Length is 0 or > 64 || plain.Any(letter => char.IsControl(letter) || char.IsWhiteSpace(letter)))
                problems.Add(name, text, "is no interface", "name it by its IPv4 address, its name, a network such as 192.168.0.0/16, or * for all");
            else if (IPAddress.TryParse(plain, out var ip) && ip.AddressFamily != AddressFamily.InterNetwork)
                problems.Add(name, text, "is no IPv4 address", "name the interface by its IPv4 address or its name");
            else if (plain.Contains('/') && !IPNetwork.TryParse(plain, out _))
                problems.Add(name, text, "is no network", "write it like 192.168.0.0/16, all bits behind the prefix zero");
        }

        if (texts.Distinct().Count() != texts.Count) problems.Add(name, string.Join(", ", texts), "names one twice", "name each once");
    }

    /// <summary>The interfaces to work on, one address for each.</summary>
    /// <param name="faces">Those there are.</param>
    /// <param name="isStrict">Whether one that is named and not there is an error.</param>
    /// <exception cref="StarlingException">One that is named is not there; the message says which there are.</exception>
    public IReadOnlyList<NetworkFace> Select(IReadOnlyList<NetworkFace> faces, bool isStrict)
    {
        ArgumentNullException.ThrowIfNull(faces);
        var usable = faces.Where(one => one.Address.AddressFamily == AddressFamily.InterNetwork).ToList();
        var chosen = new List<NetworkFace>();
        foreach (var text in _wanted)
        {
            var fitting = usable.Where(one => Fits(text, one)).ToList();
            if (isStrict && fitting.Count == 0 && text != "*") throw Missing(text, faces);
            if (isStrict && IPAddress.TryParse(text, out _) && !fitting[0].IsUp) throw new StarlingException($"Discovery cannot work on {text}: the interface {fitting[0].Name} is down.");
            chosen.AddRange(fitting.Where(one => one.IsUp));
        }

        return [.. chosen.DistinctBy(one => one.Address).Where(one => !_unwanted.Any(text => Fits(text, one))).Take(MaxFaces)];
    }

    private static bool Fits(string text, NetworkFace face) =>
        text == "*" ? face.IsUp && face.SupportsMulticast && !IPAddress.IsLoopback(face.Address)
        : IPAddress.TryParse(text, out var address) ? address.Equals(face.Address)
        : IPNetwork.TryParse(text, out var network) ? network.Contains(face.Address)
        : string.Equals(text, face.Name, StringComparison.Ordinal);

    private static StarlingException Missing(string text, IReadOnlyList<NetworkFace> faces)
    {
        var known = string.Join(", ", faces.Select(one => $"{one.Address} ({one.Name})"));
        return new StarlingException($"Discovery cannot work on {text}: no network interface has this address or name. Those here are {known}.");
    }
}
