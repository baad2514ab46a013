namespace Starling.Protocols.Discovery;

/// <summary>Names, intervals and limits of the Nebula discovery (<see cref="SsdpCore"/>).</summary>
/// <remarks>Each node sends one beacon of 200 to 400 bytes every <see cref="BeaconInterval"/>; each search costs one packet, and one
/// answer from every node.</remarks>
public class SsdpOptions : ICheckedOptions
{
    /// <summary>The service that is announced and asked for, the <c>ST</c> of every message. Default <c>urn:nebula-service</c>; another name makes a network of its own.</summary>
    public string ServiceName { get; set; } = "urn:nebula-service";

    /// <summary>The time from one beacon to the next, before a jitter of a quarter either way. Default 20 s, from 1 s to a day.</summary>
    public TimeSpan BeaconInterval { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>The time between two searches that nobody asked for, before a jitter of a quarter. Default 5 minutes, from 10 s to a day.</summary>
    /// <remarks>At the start there are three, within 4 s. Peers are kept for at most twice this time after they were last heard of.</remarks>
    public TimeSpan SearchInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Searches answered in a second. Default 100, at least 1. More are refused and counted, which bounds what a forged sender can have sent to others.</summary>
    public int MaxAnswersPerSecond { get; set; } = 100;

    /// <summary>Places kept, over all interfaces. Default 1,024 of up to 1 KiB each. More are refused until others end.</summary>
    public int MaxPeers { get; set; } = 1024;

    /// <summary>Whether to believe a location at another address than the message's sender. Default off: else anybody on the network can have all nodes dial anybody else.</summary>
    /// <remarks>Needed where nodes announce external addresses by this means.</remarks>
    public bool AllowForeignLocations { get; set; }

    /// <summary>This node's position for Nebula nodes, in degrees north, -90 to 90. Default none.</summary>
    public double? Latitude { get; set; }

    /// <summary>This node's position for Nebula nodes, in degrees east, -180 to 180. Default none.</summary>
    public double? Longitude { get; set; }

    /// <inheritdoc/>
    public virtual void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        if (ServiceName is not { Length: > 0 and <= SsdpMessage.MaxServiceLength } || ServiceName.Any(letter => letter is < '!' or > '~'))
            problems.Add(nameof(ServiceName), ServiceName, "is no service name", $"use 1 to {SsdpMessage.MaxServiceLength} visible ASCII characters, such as urn:lab-service");
        if (BeaconInterval < TimeSpan.FromSeconds(1) || BeaconInterval > TimeSpan.FromDays(1)) problems.Add(nameof(BeaconInterval), BeaconInterval, "is out of range", "use a time span from 1 second to a day");
        if (SearchInterval < TimeSpan.FromSeconds(10) || SearchInterval > TimeSpan.FromDays(1)) problems.Add(nameof(SearchInterval), SearchInterval, "is out of range", "use a time span from 10 seconds to a day");
        problems.Within(MaxAnswersPerSecond, 1, 10_000, nameof(MaxAnswersPerSecond));
        problems.Least(MaxPeers, 1, nameof(MaxPeers));
        if (Latitude is { } latitude) problems.Within(latitude, -90, 90, nameof(Latitude));
        if (Longitude is { } longitude) problems.Within(longitude, -180, 180, nameof(Longitude));
    }
}
