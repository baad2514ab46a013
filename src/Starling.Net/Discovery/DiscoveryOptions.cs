using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>How a node finds others and is found.</summary>
public sealed class DiscoveryOptions : ICheckedOptions
{
    /// <summary>The discoveries to use, by name: <c>mdns</c>, <c>ssdp</c>, <c>bootstrap</c>, and those that the program registered. Default none.</summary>
    public IList<string> Providers { get; set; } = [];

    /// <summary>Whether discoveries announce, ask and answer (<c>Active</c>), only hear (<c>ListenOnly</c>), or are not started with the node (<c>Off</c>). Default <c>Active</c>.</summary>
    public DiscoveryMode Mode { get; set; } = DiscoveryMode.Active;

    /// <summary>Whether the node announces itself unasked from its start on. Default on. Questions are answered either way.</summary>
    public bool Beacon { get; set; } = true;

    /// <summary>The time between two announcements, jittered by a quarter. Default null, each discovery's own: mDNS 60 s, SSDP 20 s. From 1 s to a day.</summary>
    /// <remarks>Each announcement is one packet of 200 to 1,000 bytes on each interface. It can be changed while the node runs.</remarks>
    public TimeSpan? BeaconInterval { get; set; }

    /// <summary>The interfaces for multicast: each by its IPv4 address, its name, a network such as <c>192.168.0.0/16</c>, or all by <c>*</c>; <c>!</c> in front leaves one out. Default <c>127.0.0.1</c>: this machine only.</summary>
    /// <remarks>On loopback packets have TTL 0. Where only exclusions are given, all others are meant. At most 64. Looked at again when the network changes.</remarks>
    public IList<string> Interfaces { get; set; } = [];

    /// <summary>Multicast DNS.</summary>
    public MdnsDiscoveryOptions Mdns { get; set; } = new();

    /// <summary>The Nebula discovery, a dialect of SSDP.</summary>
    public SsdpDiscoveryOptions Ssdp { get; set; } = new();

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        if (Providers.Count > 32) problems.Add(nameof(Providers), $"{Providers.Count} names", "are more than 32", "leave some out");
        if (Providers.Distinct().Count() != Providers.Count) problems.Add(nameof(Providers), string.Join(", ", Providers), "names one twice", "name each once");
        if (!Enum.IsDefined(Mode)) problems.Add(nameof(Mode), Mode, "is no mode", "use Active, ListenOnly or Off");
        if (BeaconInterval is { } interval && (interval < TimeSpan.FromSeconds(1) || interval > TimeSpan.FromDays(1)))
            problems.Add(nameof(BeaconInterval), interval, "is out of range", "use a time span from 1 second to a day");
        InterfaceFilter.Check(Interfaces, nameof(Interfaces), problems);
        problems.Within(nameof(Mdns), Mdns);
        problems.Within(nameof(Ssdp), Ssdp);
    }
}
