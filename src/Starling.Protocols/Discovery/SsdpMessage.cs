using System.Globalization;
using System.Net;
using System.Text;

namespace Starling.Protocols.Discovery;

/// <summary>What an <see cref="SsdpMessage"/> is for.</summary>
public enum SsdpKind
{
    /// <summary>Asks the group who is there (<c>M-SEARCH</c>).</summary>
    Search,

    /// <summary>Answers who asked (<c>HTTP/1.1 200 OK</c>).</summary>
    Answer,

    /// <summary>Announces a node to the group (<c>NOTIFY</c>).</summary>
    Beacon,
}

/// <summary>One message of the Nebula discovery, which is a dialect of the Simple Service Discovery Protocol.</summary>
/// <param name="Kind">What it is for.</param>
/// <param name="Service">The service that it is about, its <c>ST</c>.</param>
public sealed record SsdpMessage(SsdpKind Kind, string Service)
{
    /// <summary>Bytes of the largest message that is read. Ours have less than 400.</summary>
    public const int MaxPacket = 2048;

    /// <summary>Characters of the longest service name.</summary>
    public const int MaxServiceLength = 128;

    /// <summary>The header of Starling that says whom to expect at the location; others pass it over.</summary>
    public const string PeerHeader = "PEER-ID";

    private const int MaxLines = 64;
    private const string SearchLine = "M-SEARCH * HTTP/1.1";
    private const string AnswerLine = "HTTP/1.1 200 OK";
    private const string BeaconLine = "NOTIFY * HTTP/1.1";

    /// <summary>Where the node accepts links, or null in a search.</summary>
    public IPEndPoint? Location { get; init; }

    /// <summary>Whom to expect there, or null where the sender does not say.</summary>
    public PeerId? Peer { get; init; }

    /// <summary>How long what is told holds, or null where the sender does not say.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>Degrees north of the equator, -90 to 90, or null for a node without a position.</summary>
    public double? Latitude { get; init; }

    /// <summary>Degrees east of Greenwich, -180 to 180, or null for a node without a position.</summary>
    public double? Longitude { get; init; }

    /// <summary>Writes the message.</summary>
    /// <param name="group">The group that searches and beacons are sent to.</param>
    public byte[] Write(IPEndPoint group)
    {
        var text = new StringBuilder();
        Line(Kind switch { SsdpKind.Search => SearchLine, SsdpKind.Answer => AnswerLine, _ => BeaconLine });
        if (Kind != SsdpKind.Answer) Line($"HOST: {group}");
        if (Kind == SsdpKind.Search) Line("MAN: \"ssdp:discover\"", "MX: 1");
        if (MaxAge is { } age) Line(string.Create(CultureInfo.InvariantCulture, $"CACHE-CONTROL: max-age={(long)age.TotalSeconds}"));
        Line($"ST: {Service}");
        Line($"TYPE: {TypeOf(Kind)}");
        if (Location is not null) Line($"LOCATION: {Location}");
        if (Kind == SsdpKind.Beacon) Line($"LATITUDE: {Degrees(Latitude)}", $"LONGITUDE: {Degrees(Longitude)}");
        if (Peer is not null) Line($"{PeerHeader}: {Peer}");
        text.Append("\r\n");
        return Encoding.ASCII.GetBytes(text.ToString());

        void Line(params ReadOnlySpan<string> lines)
        {
            foreach (var line in lines) text.Append(line).Append("\r\n");
        }
    }

    /// <summary>Reads a message.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="message">The message, when there is no error.</param>
    /// <returns>Null, or why it was refused: too large, malformed, or with an unusable location.</returns>
    public static DiscoveryRefusal? Read(ReadOnlySpan<byte> packet, out SsdpMessage? message)
    {
        message = null;
        if (packet.Length > MaxPacket) return DiscoveryRefusal.TooLarge;
        if (Headers(packet, out var kind) is not { } headers) return DiscoveryRefusal.Malformed;

        // What belongs to other services of the port is not ours to judge.
        if (!headers.TryGetValue("ST", out var service)) return DiscoveryRefusal.WrongService;
        if (service.Length is 0 or > MaxServiceLength) return DiscoveryRefusal.Malformed;
        var read = new SsdpMessage(kind, service);
        if (headers.TryGetValue("TYPE", out var type) && !string.Equals(type, TypeOf(kind), StringComparison.OrdinalIgnoreCase)) return DiscoveryRefusal.Malformed;
        if (headers.TryGetValue(PeerHeader, out var id))
        {
            if (!PeerId.TryParse(id, out var peer, out _)) return DiscoveryRefusal.Malformed;
            read = read with { Peer = peer };
        }

        if (kind != SsdpKind.Search)
        {
            if (!headers.TryGetValue("LOCATION", out var place) || Endpoint(place) is not { } location) return DiscoveryRefusal.BadLocation;
            read = read with { Location = location };
        }

        if (headers.TryGetValue("CACHE-CONTROL", out var cache)) read = read with { MaxAge = Age(cache) };
        if (!TryDegrees(headers, "LATITUDE", 90, out var latitude) || !TryDegrees(headers, "LONGITUDE", 180, out var longitude)) return DiscoveryRefusal.Malformed;
        message = read with { Latitude = latitude, Longitude = longitude };
        return null;
    }

    private static string TypeOf(SsdpKind kind) => kind switch { SsdpKind.Search => "discover", SsdpKind.Answer => "response", _ => "beacon" };

    private static string Degrees(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "None";

    private static bool TryDegrees(Dictionary<string, string> headers, string name, double most, out double? value)
    {
        value = null;
        if (!headers.TryGetValue(name, out var text) || text == "None") return true;
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var degrees) || !(Math.Abs(degrees) <= most)) return false;
        value = degrees;
        return true;
    }

    private static TimeSpan? Age(string text)
    {
        var at = text.IndexOf("max-age", StringComparison.OrdinalIgnoreCase);
        if (at < 0) return null;
        var number = text.AsSpan(at + "max-age".Length).TrimStart(" =");
        var end = number.IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(end < 0 ? number : number[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds) : null;
    }

    /// <summary>An IPv4 address and a port, written plainly: no names, no other notations of addresses.</summary>
    private static IPEndPoint? Endpoint(string text)
    {
        var colon = text.IndexOf(':');
        if (colon < 0 || !IPAddress.TryParse(text.AsSpan(0, colon), out var address)) return null;
        if (address.ToString() != text[..colon] || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0) return null;
        return address.GetAddressBytes()[0] is 0 or >= 224 ? null : new IPEndPoint(address, port);
    }

    private static Dictionary<string, string>? Headers(ReadOnlySpan<byte> packet, out SsdpKind kind)
    {
        kind = default;
        if (HasControl(packet)) return null;
        var lines = Encoding.ASCII.GetString(packet).Split('\n', MaxLines + 1);

        // A message that was cut off may hold half an address: the empty line must be there.
        if (lines.Length > MaxLines || lines.Length < 3 || lines[^1].Length > 0 || lines[^2].TrimEnd('\r').Length > 0) return null;
        switch (lines[0].TrimEnd('\r'))
        {
            case SearchLine: kind = SsdpKind.Search; break;
            case AnswerLine: kind = SsdpKind.Answer; break;
            case BeaconLine: kind = SsdpKind.Beacon; break;
            default: return null;
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines[1..^2])
        {
            var colon = line.IndexOf(':');
            if (colon <= 0 || !headers.TryAdd(line[..colon].Trim(), line[(colon + 1)..].Trim())) return null;
        }

        return headers;
    }

    private static bool HasControl(ReadOnlySpan<byte> packet)
    {
        foreach (var letter in packet)
        {
            if (letter is > 0x7E or (< 0x20 and not (byte)'\r' and not (byte)'\n' and not (byte)'\t')) return true;
        }

        return false;
    }
}
