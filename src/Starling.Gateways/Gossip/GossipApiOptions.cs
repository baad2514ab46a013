using System.Net;

namespace Starling.Gateways.Gossip;

/// <summary>What a <see cref="GossipApi"/> is told at its start. Not changed afterwards.</summary>
public sealed class GossipApiOptions : ICheckedOptions
{
    /// <summary>Where clients connect. Default 127.0.0.1:7001. Port 0 takes a free one.</summary>
    /// <remarks>Clients show nobody who they are: whoever reaches this address can announce, and veto what spreads. Anything but loopback is an explicit choice.</remarks>
    public IPEndPoint Listen { get; set; } = new(IPAddress.Loopback, GossipMessageCodec.DefaultPort);

    /// <summary>Valid messages that are kept for clients and neighbours to come. Default 30, from 1 to 16,384, of up to 64 KiB each; the oldest makes room.</summary>
    public int CacheSize { get; set; } = 30;

    /// <summary>Messages from the network that may await the verdict of clients. Default 256, from 1 to 16,384, of up to 64 KiB each. For one more the wait on the oldest ends as if its time were over.</summary>
    public int MaxAwaited { get; set; } = 256;

    /// <summary>Direct neighbours that each message is pushed to. Default null, <see cref="Protocols.Spread.SpreadOptions.Degree"/> of the node; 0 takes all, up to 64.</summary>
    public int? Degree { get; set; }

    /// <summary>The most hops of what is announced, an announced 0 included. Default 0: as the client says. Up to 255.</summary>
    public int MaxTtl { get; set; }

    /// <summary>How long the clients' verdict on a message from the network is awaited. Default 10 seconds, more than zero, at most an hour.</summary>
    public TimeSpan ValidationTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether announcements are refused whose type no client is registered for. Default false.</summary>
    public bool Strict { get; set; }

    /// <summary>Whether to tell the network of neighbours found and lost, and to learn of peers from it. Default true.</summary>
    public bool PeerUpdates { get; set; } = true;

    /// <summary>Hops of news about peers. Default 4, from 1 to 255; <see cref="MaxTtl"/> holds too.</summary>
    public int PeerUpdateTtl { get; set; } = 4;

    /// <summary>News about peers that are remembered. Default 256, from 1 to 16,384, of about 300 bytes each; the oldest makes room.</summary>
    public int PeerUpdateCacheSize { get; set; } = 256;

    /// <summary>Clients at once. Default 4,096, at least 1; an idle one costs about 10 KiB. One more is closed at once.</summary>
    public int MaxClients { get; set; } = 4096;

    /// <summary>Registrations of all clients together. Default 262,144, at least 1; about 100 bytes each. A client that asks for one more is closed.</summary>
    public int MaxRegistrations { get; set; } = 262_144;

    /// <summary>Notifications that may wait for one client. Default 1,024, at least 1. A client that cannot keep up is closed.</summary>
    public int MaxQueued { get; set; } = 1024;

    /// <summary>Bytes of notifications that may wait for one client. Default 4 MiB, at least 64 KiB. A client that cannot keep up is closed.</summary>
    /// <remarks>Clients of the same type share the data that waits.</remarks>
    public int MaxQueuedBytes { get; set; } = 4 << 20;

    /// <summary>Vetoed messages that are remembered. Default 16,384, at least 1; about 100 bytes each.</summary>
    public int MaxRejected { get; set; } = 16_384;

    /// <summary>Events that may wait for one reader of <see cref="GossipApi.EventsAsync"/>. Default 1,024, at least 1. Then the oldest is dropped and counted.</summary>
    public int EventQueue { get; set; } = 1024;

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Within(CacheSize, 1, GossipMessageCache.MaxMessages / 2, nameof(CacheSize));
        problems.Within(MaxAwaited, 1, GossipMessageCache.MaxMessages / 2, nameof(MaxAwaited));
        if (Degree is { } degree) problems.Within(degree, 0, 64, nameof(Degree));
        problems.Within(MaxTtl, 0, 255, nameof(MaxTtl));
        if (ValidationTimeout <= TimeSpan.Zero || ValidationTimeout > TimeSpan.FromHours(1)) problems.Add(nameof(ValidationTimeout), ValidationTimeout, "is out of range", "use a time span above zero and up to one hour");
        problems.Within(PeerUpdateTtl, 1, 255, nameof(PeerUpdateTtl));
        problems.Within(PeerUpdateCacheSize, 1, GossipMessageCache.MaxMessages / 2, nameof(PeerUpdateCacheSize));
        problems.Least(MaxClients, 1, nameof(MaxClients));
        problems.Least(MaxRegistrations, 1, nameof(MaxRegistrations));
        problems.Least(MaxQueued, 1, nameof(MaxQueued));
        problems.Least(MaxQueuedBytes, 64 << 10, nameof(MaxQueuedBytes));
        problems.Least(MaxRejected, 1, nameof(MaxRejected));
        problems.Least(EventQueue, 1, nameof(EventQueue));
    }
}
