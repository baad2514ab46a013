using System.Globalization;
using System.Net;

namespace Starling.Gateways.Gossip;

/// <summary>The configuration of a gossip module as the field's INI files give it. Immutable.</summary>
public sealed partial record GossipConfig
{
    private const string SectionName = "gossip";

    /// <summary>Key <c>cache_size</c>. Default 30.</summary>
    public int CacheSize { get; init; } = 30;

    /// <summary>Key <c>degree</c>: neighbours to look for and to push to; null when neither it nor <c>max_connections</c> is given.</summary>
    public int? Degree { get; init; }

    /// <summary>Key <c>max_connections</c>: links that are kept at most; null when it is not given.</summary>
    public int? MaxConnections { get; init; }

    /// <summary>Key <c>bootstrapper</c>: whom to link with at the start, and again whenever the link is lost.</summary>
    public IReadOnlyList<Multiaddr> Bootstrappers { get; init; } = [];

    /// <summary>Key <c>listen_address</c> or <c>p2p_address</c>: where other nodes connect; null for any free port of this machine.</summary>
    public Multiaddr? Listen { get; init; }

    /// <summary>Key <c>api_address</c>: where clients connect. Default 127.0.0.1:7001.</summary>
    public IPEndPoint Api { get; init; } = new(IPAddress.Loopback, GossipMessageCodec.DefaultPort);

    /// <summary>Key <c>max_ttl</c>. Default 0: none.</summary>
    public int MaxTtl { get; init; }

    /// <summary>Key <c>peer_exchange</c>, on or off: whether to link with peers that others tell of. Default on.</summary>
    public bool PeerExchange { get; init; } = true;

    /// <summary>Key <c>hostkey</c>, above all sections, in <c>[GLOBAL]</c> or in <c>[gossip]</c>: the file with the node's private key; null for a new identity at each start.</summary>
    public string? HostKey { get; init; }

    /// <summary>What was read and does not count, such as keys that are not known: a sentence each, with file and line.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    /// <summary>Reads a file.</summary>
    /// <exception cref="StarlingException">The file cannot be read, or a value is wrong; the message names file, line, value and what to write.</exception>
    public static GossipConfig Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            if (new FileInfo(path).Length > IniFile.MaxLength) throw new StarlingException($"{path}: it has more than {IniFile.MaxLength} bytes, more than any configuration; name the right file.");
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StarlingException($"The configuration file {path} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Reads the text of a file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="name">What the file is called in errors.</param>
    /// <exception cref="StarlingException">A line or a value is wrong; the message names file, line, value and what to write.</exception>
    public static GossipConfig Parse(string text, string name)
    {
        try
        {
            return new Reader(name).Read(IniFile.Parse(text, name));
        }
        catch (FormatException error)
        {
            throw new StarlingException(error.Message, error);
        }
    }

    /// <summary>The values of the entries that count.</summary>
    private sealed class Reader(string name)
    {
        private readonly Dictionary<string, IniEntry> _given = [];
        private readonly List<string> _remarks = [];

        public GossipConfig Read(IReadOnlyList<IniEntry> entries)
        {
            if (!entries.Any(entry => Is(entry.Section, SectionName))) throw new FormatException($"{name}: there is nothing in a section [gossip]; add it, with keys such as api_address = 127.0.0.1:7001.");
            foreach (var entry in entries) Note(entry);
            var config = new GossipConfig
            {
                CacheSize = Whole("cache_size", 1, GossipMessageCache.MaxMessages / 2) ?? 30,
                Degree = Whole("degree", 1, 64),
                MaxConnections = Whole("max_connections", 1, 10_000),
                Bootstrappers = Addresses("bootstrapper"),
                Listen = Addresses("listen_address") is [var listen, ..] ? listen : null,
                Api = EndPoint("api_address") ?? new IPEndPoint(IPAddress.Loopback, GossipMessageCodec.DefaultPort),
                MaxTtl = Whole("max_ttl", 0, 255) ?? 0,
                PeerExchange = Switch("peer_exchange") ?? true,
                HostKey = Text("hostkey"),
            };
            return config with { Degree = config.Degree ?? (config.MaxConnections is { } most ? Math.Min(most, 64) : null), Remarks = _remarks };
        }

        private void Note(IniEntry entry)
        {
            var key = Known(entry);
            if (key is null)
            {
                // Other modules of the field share the file and keep sections of their own there.
                if (Is(entry.Section, SectionName)) _remarks.Add($"{name}:{entry.Line}: the key '{entry.Key}' is not known and does not count");
                return;
            }

            if (_given.TryGetValue(key, out var before))
            {
                if (before.Value == entry.Value) return;
                if (!Is(before.Key, entry.Key)) throw new FormatException($"{name}:{entry.Line}: {entry.Key} is '{entry.Value}' and {before.Key} in line {before.Line} is '{before.Value}', which mean the same; keep one");
                _remarks.Add($"{name}:{entry.Line}: {entry.Key} was given in line {before.Line} already; this one counts");
            }

            _given[key] = entry;
        }

        private static string? Known(IniEntry entry)
        {
            if (Is(entry.Key, "hostkey")) return entry.Section.Length == 0 || Is(entry.Section, "global") || Is(entry.Section, SectionName) ? "hostkey" : null;
            if (!Is(entry.Section, SectionName)) return null;
            string[] keys = ["cache_size", "degree", "max_connections", "bootstrapper", "listen_address", "api_address", "max_ttl", "peer_exchange"];
            return Is(entry.Key, "p2p_address") ? "listen_address" : Array.Find(keys, key => Is(key, entry.Key));
        }

        private static bool Is(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);

        private FormatException Wrong(IniEntry entry, string remedy) => new($"{name}:{entry.Line}: {entry.Key} is '{entry.Value}'; {remedy}");

        private string? Text(string key) => !_given.TryGetValue(key, out var entry) ? null : entry.Value.Length > 0 ? entry.Value : throw Wrong(entry, "write a value, or leave the key out");

        private int? Whole(string key, int least, int most)
        {
            if (!_given.TryGetValue(key, out var entry)) return null;
            return int.TryParse(entry.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
                ? number
                : throw Wrong(entry, $"use a whole number from {least} to {most}");
        }

        private bool? Switch(string key) => !_given.TryGetValue(key, out var entry) ? null : entry.Value.ToUpperInvariant() switch
        {
            "ON" or "YES" or "TRUE" or "1" => true,
            "OFF" or "NO" or "FALSE" or "0" => false,
            _ => throw Wrong(entry, "use on or off"),
        };

        private IReadOnlyList<Multiaddr> Addresses(string key)
        {
            if (!_given.TryGetValue(key, out var entry)) return [];
            var texts = entry.Value.Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (texts.Length == 0 || (texts.Length > 1 && key != "bootstrapper")) throw Wrong(entry, "use an address such as 127.0.0.1:6001 or [::1]:6001");
            return [.. texts.Select(text => Address(entry, text))];
        }

        private Multiaddr Address(IniEntry entry, string text)
        {
            try
            {
                return Multiaddr.ParseUserInput(text);
            }
            catch (FormatException)
            {
                throw Wrong(entry, "use an address such as 127.0.0.1:6001 or [::1]:6001");
            }
        }

        private IPEndPoint? EndPoint(string key)
        {
            if (!_given.TryGetValue(key, out var entry)) return null;
            var text = entry.Value.StartsWith("localhost", StringComparison.OrdinalIgnoreCase) ? $"127.0.0.1{entry.Value["localhost".Length..]}" : entry.Value;

            // A lone IPv6 address is one, and no address with a port behind its last colon.
            if (IPAddress.TryParse(text, out var alone) && !text.StartsWith('[')) return new IPEndPoint(alone, GossipMessageCodec.DefaultPort);
            return IPEndPoint.TryParse(text, out var point) && (point.Port != 0 || text.EndsWith(":0", StringComparison.Ordinal))
                ? point
                : throw Wrong(entry, "use an address such as 127.0.0.1:7001 or [::1]:7001");
        }
    }
}
