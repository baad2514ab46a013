using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Transport.Noise;
using Starling.Net.Yamux;

namespace Starling.Net.Transport;

/// <summary>Turns raw connections into authenticated, multiplexed links. Safe for any number of upgrades at a time.</summary>
/// <remarks>libp2p specification <c>connections</c>, section Upgrading Connections, and <c>inlined-muxer-negotiation</c>.</remarks>
public sealed class Upgrader : IDisposable
{
    /// <summary>The multiplexer that this node speaks.</summary>
    public const string Yamux = "/yamux/1.0.0";

    private static readonly string[] Muxers = [Yamux];

    private readonly IReadOnlyList<ISecurityProtocol> _security;
    private readonly string[] _securityIds;
    private readonly UpgraderOptions _options;
    private readonly ResourceBudget _budget;
    private readonly TimeProvider _clock;
    private readonly TransportMetrics? _metrics;
    private readonly ILogger _logger;

    /// <summary>Creates an upgrader.</summary>
    /// <param name="localPeer">This node's id.</param>
    /// <param name="security">Security protocols, the most preferred first; the upgrader disposes them.</param>
    /// <param name="options">Limits; validated here.</param>
    /// <param name="budget">The node's budget.</param>
    /// <param name="clock">The node's clock.</param>
    /// <param name="metrics">Where outcomes are counted, or null.</param>
    /// <param name="logger">Where failures are told, or null.</param>
    public Upgrader(
        PeerId localPeer,
        IReadOnlyList<ISecurityProtocol> security,
        UpgraderOptions options,
        ResourceBudget budget,
        TimeProvider clock,
        TransportMetrics? metrics = null,
        ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(security);
        ArgumentOutOfRangeException.ThrowIfZero(security.Count, nameof(security));
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        LocalPeer = localPeer;
        _security = security;
        _securityIds = [.. security.Select(s => s.ProtocolId)];
        _options = options;
        _budget = budget;
        _clock = clock;
        _metrics = metrics;
        _logger = logger ?? NullLogger.Instance;
    }

    /// <summary>This node's id.</summary>
    public PeerId LocalPeer { get; }

    /// <summary>TLS, then Noise where its primitives are found.</summary>
    public static IReadOnlyList<ISecurityProtocol> DefaultSecurity(NodeIdentity identity, TimeProvider clock) =>
        NoiseSecurity.IsSupported ? [new TlsSecurity(identity, clock), new NoiseSecurity(identity)] : [new TlsSecurity(identity, clock)];

    /// <summary>Secures and multiplexes a raw connection.</summary>
    /// <param name="raw">The connection, which this call owns: it is closed in every case but success.</param>
    /// <param name="expected">Who must answer; null accepts whoever answers.</param>
    /// <param name="cancellationToken">Ends the upgrade and closes the connection.</param>
    /// <returns>The link. The other side may still refuse it: a dialler learns that at the first read.</returns>
    /// <exception cref="HandshakeException">The upgrade failed; <see cref="HandshakeException.Failure"/> says at what.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<IConnection> UpgradeAsync(RawConnection raw, PeerId? expected, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(raw);
        using var scope = _budget.Open(null, raw.RemoteAddress);
        if (!scope.TryAcquire(ResourceKind.Handshakes, 1, out var refusedBy))
        {
            await raw.DisposeAsync();
            throw Report(raw, new HandshakeException(HandshakeFailure.RefusedLocally, scope.Explain(ResourceKind.Handshakes, refusedBy)));
        }

        var started = _clock.GetTimestamp();
        try
        {
            var link = await UpgradeWithinAsync(raw, expected, cancellationToken);
            _metrics?.Handshake(raw.Direction, failure: null, _clock.GetElapsedTime(started));
            return link;
        }
        catch (HandshakeException failure)
        {
            throw Report(raw, failure);
        }
        finally
        {
            scope.Release(ResourceKind.Handshakes);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var protocol in _security) (protocol as IDisposable)?.Dispose();
    }

    private async Task<IConnection> UpgradeWithinAsync(RawConnection raw, PeerId? expected, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(_options.HandshakeTimeout, _clock, cancellationToken);
        var attempt = new Attempt(raw, expected);
        try
        {
            // A write that hangs is not cancelled, it would tear the record; closing the socket ends it.
            LinkDescription link;
            await using (deadline.Token.UnsafeRegister(static channel => ((Stream)channel!).Dispose(), raw.Channel))
                link = await NegotiateAsync(attempt, deadline.Token);
            deadline.Token.ThrowIfCancellationRequested();
            attempt.Bytes.AutoFlush = false;
            var connection = YamuxConnection.Start(attempt.Secure!.Stream, link, _options.Yamux, _budget, _clock, attempt.Bytes.EndWriting);
            _metrics?.Track(connection, attempt.Bytes);
            return connection;
        }
        catch (Exception e)
        {
            await CloseAsync(attempt);
            if (deadline.IsOver)
                throw new HandshakeException(HandshakeFailure.TimedOut, $"The handshake did not finish within {_options.HandshakeTimeout.TotalSeconds:0.#} s; it got to {attempt.Stage}.", e);
            cancellationToken.ThrowIfCancellationRequested();
            throw Translate(e, attempt);
        }
    }

    private async Task<LinkDescription> NegotiateAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        var (raw, bytes) = (attempt.Raw, attempt.Bytes);
        var id = await AgreeAsync(bytes, raw.Direction, _securityIds, cancellationToken);
        attempt.Stage = id;
        var protocol = _security[Array.IndexOf(_securityIds, id)];
        var secure = await protocol.SecureAsync(bytes, raw.Direction, attempt.Expected, Muxers, cancellationToken);
        attempt.Secure = secure;
        if (secure.RemotePeer.Equals(LocalPeer))
            throw new HandshakeException(HandshakeFailure.SelfDial, $"{raw.RemoteAddress} leads back to this node.");
        attempt.Stage = "multiplexer selection";
        var muxer = secure.Muxer ?? await AgreeAsync(secure.Stream, raw.Direction, Muxers, cancellationToken);
        return new LinkDescription(
            LocalPeer, secure.RemotePeer, secure.RemoteKey, raw.LocalAddress, raw.RemoteAddress.WithoutPeerId(), raw.Direction, id, muxer);
    }

    private static async ValueTask<string> AgreeAsync(Stream stream, Direction side, string[] protocols, CancellationToken cancellationToken)
    {
        if (side == Direction.Outbound) return await MultistreamSelect.SelectAsync(stream, protocols, cancellationToken);
        var proposed = new List<string>();
        bool Serves(string id)
        {
            proposed.Add(id);
            return protocols.Contains(id);
        }

        return await MultistreamNegotiation<RawChannel>.AcceptAsync(new RawChannel(stream), Serves, () => protocols, cancellationToken)
            ?? throw (proposed.Count > 0
                ? new HandshakeException(HandshakeFailure.NoCommonProtocol, $"The peer speaks none of {string.Join(", ", protocols)}.")
                : new EndOfStreamException("The peer left without proposing a protocol."));
    }

    private static async ValueTask CloseAsync(Attempt attempt)
    {
        if (attempt.Secure is { } secure) await secure.Stream.DisposeAsync();
        await attempt.Bytes.DisposeAsync();
    }

    private static HandshakeException Translate(Exception e, Attempt attempt) => e switch
    {
        HandshakeException handshake => handshake,
        ProtocolNotSupportedException => new HandshakeException(HandshakeFailure.NoCommonProtocol, e.Message, e),
        ProtocolViolationException => new HandshakeException(HandshakeFailure.Malformed, e.Message, e),
        _ when attempt.Secure is not null && attempt.Raw.Direction == Direction.Outbound =>
            new HandshakeException(HandshakeFailure.RefusedByRemote, $"The peer closed the link after our identity was shown: {TlsAlert.Find(e) ?? e.Message}", e),
        IOException or ObjectDisposedException =>
            new HandshakeException(HandshakeFailure.Disconnected, $"The connection ended at {attempt.Stage}: {e.Message}", e),
        AuthenticationException => new HandshakeException(HandshakeFailure.Malformed, $"The handshake failed at {attempt.Stage}: {e.Message}", e),
        _ => new HandshakeException(HandshakeFailure.Malformed, $"The handshake failed at {attempt.Stage} ({e.GetType().Name}): {e.Message}", e),
    };

    private HandshakeException Report(RawConnection raw, HandshakeException failure)
    {
        _metrics?.Handshake(raw.Direction, failure.Failure, elapsed: null);
        TransportLog.HandshakeFailed(_logger, raw.Direction, raw.RemoteAddress, failure.Failure, failure.Message);
        return failure;
    }

    /// <summary>How far one upgrade has come, for its errors and its clean-up.</summary>
    private sealed class Attempt(RawConnection raw, PeerId? expected)
    {
        public RawConnection Raw { get; } = raw;

        public PeerId? Expected { get; } = expected;

        public LinkStream Bytes { get; } = new(raw.Channel);

        public string Stage { get; set; } = "security selection";

        public SecureChannel? Secure { get; set; }
    }
}
