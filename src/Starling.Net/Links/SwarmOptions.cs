using Starling.Net.Transport;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>What a <see cref="Swarm"/> says of its node, and its bounds.</summary>
public sealed class SwarmOptions
{
    /// <summary>The bounds of links and of requests to connect.</summary>
    public LinksOptions Links { get; set; } = new();

    /// <summary>Name and version of the program, told by identify. Default <c>starling/</c> and the version; at most 256 characters.</summary>
    public string AgentVersion { get; set; } = $"starling/{typeof(SwarmOptions).Assembly.GetName().Version?.ToString(3)}";

    /// <summary>The application's protocol version, told by identify. Default <c>/starling/1.0.0</c>; at most 256 characters.</summary>
    public string ProtocolVersion { get; set; } = "/starling/1.0.0";

    /// <summary>The name that other Starling nodes show, or null. Default null; at most 64 characters. A claim that nobody verifies.</summary>
    public string? DisplayName { get; set; }

    /// <summary>Makes what is told of addresses from those that are listened on, without peer id. Default null tells the latter.</summary>
    public Func<IReadOnlyList<Multiaddr>, IReadOnlyList<Multiaddr>>? Announce { get; set; }

    /// <summary>Time to agree on a stream's protocol. Default 10 seconds, more than zero. Then the stream is reset.</summary>
    public TimeSpan NegotiationTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Inbound streams of one link whose protocol is not agreed yet. Default 64, at least 4. One more is reset and counted.</summary>
    public int MaxNegotiatingPerLink { get; set; } = 64;

    /// <summary>Protocols that can be served at once. Default 256, from 4 (identify, push, ping and link control) to 256, which still fit into identify.</summary>
    public int MaxHandlers { get; set; } = 256;

    /// <summary>Addresses without a peer id whose first answer is remembered. Default 4,096, at least 1, about 200 bytes each; the oldest is forgotten first.</summary>
    public int MaxPinnedAddresses { get; set; } = 4096;

    /// <summary>Time to answer when a second link makes a ready one doubtful. Default 5 seconds, more than zero. Then the old link is closed.</summary>
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Time from a change of protocols or addresses to the push that tells peers. Default 50 milliseconds, not negative; gathers changes into one push.</summary>
    public TimeSpan PushDelay { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Time that a link's polite close may take before it is cut. Default 2 seconds, more than zero.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Time that a peer may take to hear why its link is closed, before the close itself. Default 1 second, more than zero.</summary>
    public TimeSpan GoodbyeTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Time that the other side has to end a stream whose handler has returned. Default 5 seconds, more than zero. Then it is reset.</summary>
    public TimeSpan LingerTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Pause of an accept loop after a failure of the listener. Default 1 second, more than zero.</summary>
    public TimeSpan AcceptRetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How names become addresses when a link is looked for by one. Default: the system's resolver.</summary>
    public NameLookup Lookup { get; set; } = new TcpTransportOptions().Lookup;

    /// <summary>Events that may wait for the loop. Default 1,024, at least 16. Whoever has one more waits.</summary>
    public int EventQueue { get; set; } = 1024;

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is out of the range that its own comment gives; the message names it.</exception>
    public void Validate()
    {
        Links.Validate();
        CheckText(AgentVersion, IdentifyCodec.MaxTextLength, nameof(AgentVersion));
        CheckText(ProtocolVersion, IdentifyCodec.MaxTextLength, nameof(ProtocolVersion));
        CheckText(DisplayName ?? "", IdentifyCodec.MaxDisplayNameLength, nameof(DisplayName));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(NegotiationTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxNegotiatingPerLink, 4);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxHandlers, 4);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxHandlers, 256);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPinnedAddresses, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ProbeTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(PushDelay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(CloseTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(GoodbyeTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(LingerTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(AcceptRetryDelay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(EventQueue, 16);
    }

    private static void CheckText(string text, int maxLength, string name)
    {
        if (text.Length > maxLength) throw new ArgumentException($"{name} has {text.Length} characters; {maxLength} are allowed.", name);
        if (text.Any(char.IsControl)) throw new ArgumentException($"{name} holds a control character; remove it.", name);
    }
}

/// <summary>Dials addresses of one peer and returns an authenticated, multiplexed link.</summary>
/// <param name="expected">Who must answer, or null when whoever answers is accepted.</param>
/// <param name="addresses">Dialled in parallel, staggered.</param>
/// <param name="cancellationToken">Ends the attempt and frees what it held.</param>
/// <exception cref="HandshakeException">No address led to a link.</exception>
public delegate Task<IConnection> LinkDialler(PeerId? expected, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken);

/// <summary>Turns an accepted raw connection, which it owns from then on, into an authenticated, multiplexed link. Sets its own deadline.</summary>
/// <exception cref="HandshakeException">The handshake failed.</exception>
public delegate Task<IConnection> LinkUpgrader(RawConnection raw, CancellationToken cancellationToken);

/// <summary>What a <see cref="Swarm"/> is built on. It owns none of it.</summary>
/// <param name="Identity">This node's key.</param>
/// <param name="Transports">What it listens with; the first that can serve an address is used.</param>
/// <param name="Dial">How it dials.</param>
/// <param name="Upgrade">How it secures what it accepted.</param>
/// <param name="Clock">The clock seam.</param>
/// <param name="Random">The randomness seam.</param>
/// <param name="Budget">Counts links (<see cref="ResourceKind.Links"/>) for the whole node; null makes one of the swarm's own.</param>
public sealed record SwarmWiring(
    NodeIdentity Identity,
    IReadOnlyList<ITransport> Transports,
    LinkDialler Dial,
    LinkUpgrader Upgrade,
    TimeProvider Clock,
    RandomSource Random,
    ResourceBudget? Budget = null);
