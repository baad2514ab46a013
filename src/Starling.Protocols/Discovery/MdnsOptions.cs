namespace Starling.Protocols.Discovery;

/// <summary>How a node announces itself and looks for others by multicast DNS.</summary>
/// <remarks>All peers of a network hear one query, and each answers once: a network of n nodes costs about
/// n + 1 packets of 200 to 1,000 bytes every <see cref="QueryInterval"/>, whoever asks.</remarks>
public sealed class MdnsOptions
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

    /// <summary>How long others may keep our records. Default 120 s, at least twice <see cref="QueryInterval"/>.</summary>
    public TimeSpan Ttl { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>Announcements kept, over all interfaces. Default 1,024 of up to 8 KiB each. More are refused until others end.</summary>
    public int MaxPeers { get; set; } = 1024;

    /// <summary>Addresses read of one announcement. Default 32. More are passed over and counted.</summary>
    public int MaxAddressesPerPeer { get; set; } = 32;

    /// <summary>Addresses of our own in an announcement. Default 8, which stays below 1,400 bytes in practice.</summary>
    public int MaxOwnAddresses { get; set; } = 8;

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentException">One is out of range; the message says which and what to change.</exception>
    public void Validate()
    {
        try
        {
            _ = DnsName.Parse(ServiceName).WithLabel(new string('x', MdnsCore.PeerNameLength));
        }
        catch (FormatException wrong)
        {
            throw new ArgumentException($"{nameof(ServiceName)} cannot be used: {wrong.Message}", wrong);
        }

        Require(FirstQueryInterval > TimeSpan.Zero, $"{nameof(FirstQueryInterval)} must be positive.");
        Require(QueryInterval >= FirstQueryInterval, $"{nameof(QueryInterval)} must not be shorter than {nameof(FirstQueryInterval)}.");
        Require(AnswerInterval > TimeSpan.Zero, $"{nameof(AnswerInterval)} must be positive.");
        Require(Ttl >= 2 * QueryInterval && Ttl <= TimeSpan.FromDays(1), $"{nameof(Ttl)} must be at least twice {nameof(QueryInterval)} and at most a day.");
        Require(MaxPeers > 0, $"{nameof(MaxPeers)} must be positive.");
        Require(MaxAddressesPerPeer > 0, $"{nameof(MaxAddressesPerPeer)} must be positive.");
        Require(MaxOwnAddresses is > 0 and <= 32, $"{nameof(MaxOwnAddresses)} must be 1 to 32: more do not fit a packet.");
    }

    private static void Require(bool holds, string message)
    {
        if (!holds) throw new ArgumentException(message);
    }
}
