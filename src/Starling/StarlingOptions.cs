namespace Starling;

/// <summary>What a <see cref="StarlingNode"/> is told at its start. Checked as a whole then; not read afterwards.</summary>
/// <remarks>Every value can come from configuration. A list that is left empty stands for its default.</remarks>
public sealed partial class StarlingOptions
{
    /// <summary>The key file that makes the node keep its peer id. Default null: a fresh identity that lives as long as the node.</summary>
    /// <remarks>Created with mode 0600 when it is not there. One running node per file. Beside it, with <c>.start</c> added, the node keeps when it started (<c>Topics.StartFile</c>).</remarks>
    public string? IdentityFile { get; set; }

    /// <summary>Where to accept links, as <c>/ip4/…/tcp/…</c> or <c>host:port</c>. Default <c>/ip4/127.0.0.1/tcp/0</c>: this machine only, any free port.</summary>
    /// <remarks>Anything but loopback opens the node to its network and is therefore never a default. At most 64.</remarks>
    public IList<string> Listen { get; set; } = [];

    /// <summary>Addresses of peers to stay linked to, best with <c>/p2p/ID</c> at the end. Default none. At most 256.</summary>
    /// <remarks>Given any, the discovery <c>bootstrap</c> is used without being named. Dialled again with a growing pause whenever they are not linked. Without an id, whoever answers first is trusted until the node stops.</remarks>
    public IList<string> Bootstrap { get; set; } = [];

    /// <summary>Whether to find and to be found by multicast DNS: the same as naming <c>mdns</c> in <c>Discovery:Providers</c>. Default off, because it tells the interface's network that the node is there.</summary>
    public bool Mdns { get; set; }

    /// <summary>The name that other Starling nodes show for this one. Default none. At most 64 characters; nobody verifies it.</summary>
    public string? DisplayName { get; set; }

    /// <summary>Name and version of the program, told to every peer. Default <c>starling/</c> and the version. At most 256 characters.</summary>
    public string? AgentVersion { get; set; }

    /// <summary>Security protocols, the most preferred first: <c>tls</c>, <c>noise</c>. Default both, TLS first; Noise only where libcrypto is found.</summary>
    public IList<string> Security { get; set; } = [];

    /// <summary>Links at once. Default 1,024, at least 1. An idle one costs about 70 KiB; one more is refused.</summary>
    public int MaxLinks { get; set; } = 1024;

    /// <summary>Handshakes at once, both directions. Default 256, at least 1. Each costs up to 60 KiB for at most <see cref="HandshakeTimeout"/>.</summary>
    public int MaxHandshakes { get; set; } = 256;

    /// <summary>Streams at once over all links. Default 65,536, at least 1. An idle one costs under 1 KiB.</summary>
    public int MaxStreams { get; set; } = 65_536;

    /// <summary>Inbound streams at once from one peer. Default 1,024, at least 4. One more is reset.</summary>
    public int MaxStreamsPerPeer { get; set; } = 1024;

    /// <summary>Bytes by which receive windows may grow beyond the first 256 KiB of each stream, over all links. Default 256 MiB, at least 1.</summary>
    /// <remarks>The most that fast peers can make the node buffer for handlers that do not read.</remarks>
    public long MaxWindowBytes { get; set; } = 256L << 20;

    /// <summary>Bytes that may wait in queues of topics, over all peers and subscriptions. Default 256 MiB, at least 1.</summary>
    public long MaxQueueBytes { get; set; } = 256L << 20;

    /// <summary>Events that may wait for one reader of <see cref="StarlingNode.EventsAsync"/>. Default 1,024, at least 1. Then the oldest is dropped and counted.</summary>
    public int EventQueue { get; set; } = 1024;

    /// <summary>Time for one address of a peer, from the first packet to the secured link. Default 15 seconds, more than zero.</summary>
    public TimeSpan DialTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Time for one handshake. Default 10 seconds, more than zero. A silent stranger holds a handshake's memory for so long.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time from a link's handshake until the peer has identified itself. Default 10 seconds, more than zero.</summary>
    public TimeSpan IdentifyTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for a graceful stop. Default 5 seconds, more than zero. Then what is left is cut.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(5);
}
