namespace Starling.Protocols.Discovery;

/// <summary>How a node announces itself and looks for others by multicast DNS.</summary>
/// <remarks>All peers of a network hear one query, and each answers once: a network of n nodes costs about
/// n + 1 packets of 200 to 1,000 bytes every <see cref="QueryInterval"/>, whoever asks.</remarks>
public class MdnsOptions : ICheckedOptions
{
    /// <summary>The service name of the libp2p specification (discovery/mdns).</summary>
    public const string DefaultServiceName = "_p2p._udp.local";

    /// <summary>The service that is announced and asked for. Default <c>_p2p._udp.local</c>; another name makes a network of its own on the same link.</summary>
    public string ServiceName { get; set; } = DefaultServiceName;

    /// <summary>The longest time between two queries, before a jitter of a quarter either way. Default 30 s: with records kept for 120 s, three lost packets in a row lose nobody.</summary>
    public TimeSpan QueryInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The time from the first query to the second; it doubles from there up to <see cref="QueryInterval"/>. Default 1 s (RFC 6762 §5.2).</summary>
    public TimeSpan FirstQueryInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The least time between two answers on one interface, however many ask. Default 1 s (RFC 6762 §6).</summary>
    public TimeSpan AnswerInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The time from one announcement to the next when nobody asks in between, before a jitter of a quarter either way. Default 60 s, at least <see cref="AnswerInterval"/>.</summary>
    /// <remarks>An answer counts as an announcement: where nodes ask every <see cref="QueryInterval"/> there is nothing left to announce.</remarks>
    public TimeSpan BeaconInterval { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long others may keep our records. Default 120 s, at least twice <see cref="QueryInterval"/>.</summary>
    public TimeSpan Ttl { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>Announcements kept, over all interfaces. Default 1,024 of up to 8 KiB each. More are refused until others end.</summary>
    public int MaxPeers { get; set; } = 1024;

    /// <summary>Addresses read of one announcement. Default 32. More are passed over and counted.</summary>
    public int MaxAddressesPerPeer { get; set; } = 32;

    /// <summary>Addresses of our own in an announcement. Default 8, which stays below 1,400 bytes in practice.</summary>
    public int MaxOwnAddresses { get; set; } = 8;

    /// <inheritdoc/>
    public virtual void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        try
        {
            _ = DnsName.Parse(ServiceName).WithLabel(new string('x', MdnsCore.PeerNameLength));
        }
        catch (FormatException wrong)
        {
            problems.Add(nameof(ServiceName), ServiceName, $"is no service name ({wrong.Message})", "write it like _p2p-lab._udp.local");
        }

        problems.Positive(FirstQueryInterval, nameof(FirstQueryInterval));
        problems.Positive(AnswerInterval, nameof(AnswerInterval));
        if (QueryInterval < FirstQueryInterval) problems.Add(nameof(QueryInterval), QueryInterval, $"is shorter than {nameof(FirstQueryInterval)}", $"use at least {FirstQueryInterval}");
        if (BeaconInterval < AnswerInterval || BeaconInterval > TimeSpan.FromDays(1)) problems.Add(nameof(BeaconInterval), BeaconInterval, "is out of range", $"use {nameof(AnswerInterval)}, {AnswerInterval}, up to a day");
        if (Ttl < 2 * QueryInterval || Ttl > TimeSpan.FromDays(1)) problems.Add(nameof(Ttl), Ttl, "is out of range", $"use twice {nameof(QueryInterval)}, {2 * QueryInterval}, up to a day");
        problems.Least(MaxPeers, 1, nameof(MaxPeers));
        problems.Least(MaxAddressesPerPeer, 1, nameof(MaxAddressesPerPeer));
        problems.Within(MaxOwnAddresses, 1, 32, nameof(MaxOwnAddresses));
    }
}
