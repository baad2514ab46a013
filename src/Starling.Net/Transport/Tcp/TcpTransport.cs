using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Starling.Net.Transport;

/// <summary>TCP over IPv4 and IPv6: <c>/ip4/…/tcp/…</c>, <c>/ip6/…/tcp/…</c> (with zone), and names by <c>dns</c>, <c>dns4</c>, <c>dns6</c>.</summary>
/// <remarks>An IPv6 listener takes no IPv4 connections, so that both families can be listened on with the same port. NoDelay is on, and little is left waiting in the kernel.</remarks>
public sealed class TcpTransport : ITransport
{
    private readonly TcpTransportOptions _options;
    private readonly TimeProvider _clock;
    private readonly TransportMetrics? _metrics;
    private readonly ILogger _logger;

    /// <summary>Creates the transport.</summary>
    public TcpTransport(TcpTransportOptions options, TimeProvider clock, TransportMetrics? metrics = null, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _clock = clock;
        _metrics = metrics;
        _logger = logger ?? NullLogger.Instance;
    }

    /// <inheritdoc/>
    public bool CanDial(Multiaddr address) => address is not null && !address.IsUnspecified && address.TryGetTcpHost(out _, out var port) && port > 0;

    /// <inheritdoc/>
    public bool CanListen(Multiaddr address) => address is not null && address.PeerId is null && address.TryGetTcpHost(out _, out _);

    /// <inheritdoc/>
    /// <remarks>Of a name with several addresses each is tried in turn; <see cref="Dialer"/> tries them in parallel.</remarks>
    public async ValueTask<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        if (!CanDial(address)) throw new HandshakeException(HandshakeFailure.UnsupportedAddress, $"{address} is no TCP address that can be dialled.");
        if (address.IsUnspecified) throw new HandshakeException(HandshakeFailure.UnsupportedAddress, $"{address} stands for every interface; dial one of its addresses.");
        HandshakeException? failure = null;
        foreach (var target in await TcpNames.ResolveAsync(address, _options.Lookup, cancellationToken))
        {
            try
            {
                return await ConnectAsync(target, cancellationToken);
            }
            catch (HandshakeException e)
            {
                failure = e;
            }
        }

        throw failure!;
    }

    /// <inheritdoc/>
    public async ValueTask<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        if (!CanListen(address)) throw new StarlingException($"{address} is no TCP address that can be listened on.");
        var target = (await TcpNames.ResolveAsync(address, _options.Lookup, cancellationToken))[0];
        if (!target.TryGetTcpEndPoint(out var endPoint)) throw new StarlingException($"Cannot listen on {address}: its zone is no interface of this machine.");
        var socket = NewSocket(endPoint.AddressFamily);
        try
        {
            var dual = _options.DualStack && endPoint.Address.Equals(IPAddress.IPv6Any);
            if (dual) socket.DualMode = true;
            socket.Bind(endPoint);
            socket.Listen(_options.Backlog);
            var listener = new TcpAcceptor(socket, dual, _options, _clock, _metrics, _logger);
            foreach (var listening in listener.Addresses) TransportLog.Listening(_logger, listening);
            return listener;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new StarlingException($"Cannot listen on {address}: {TcpErrors.Explain(e)}.", e);
        }
    }

    internal static Socket NewSocket(AddressFamily family)
    {
        var socket = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
        if (family == AddressFamily.InterNetworkV6) socket.DualMode = false;
        return socket;
    }

    internal static RawConnection Wrap(Socket socket, Direction direction)
    {
        TcpTuning.Apply(socket);
        return new RawConnection(
            new NetworkStream(socket, ownsSocket: true),
            Multiaddr.FromEndPoint((IPEndPoint)socket.LocalEndPoint!),
            Multiaddr.FromEndPoint((IPEndPoint)socket.RemoteEndPoint!),
            direction);
    }

    private static async Task<RawConnection> ConnectAsync(Multiaddr target, CancellationToken cancellationToken)
    {
        if (!target.TryGetTcpEndPoint(out var endPoint))
            throw new HandshakeException(HandshakeFailure.TransportFailed, $"The zone in {target} is no interface of this machine.");
        Socket? socket = null;
        try
        {
            socket = NewSocket(endPoint.AddressFamily);
            await socket.ConnectAsync(endPoint, cancellationToken);
            return Wrap(socket, Direction.Outbound);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw new HandshakeException(HandshakeFailure.TransportFailed, $"Cannot connect to {target}: {TcpErrors.Explain(e)}.", e);
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }
}
