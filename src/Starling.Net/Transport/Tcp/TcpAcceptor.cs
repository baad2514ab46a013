using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Starling.Net.Transport;

/// <summary>One listening TCP socket. Accept errors are counted, logged and survived until the listener is disposed.</summary>
internal sealed class TcpAcceptor : ITransportListener
{
    private readonly Socket _socket;
    private readonly IPEndPoint _bound;
    private readonly bool _dualStack;
    private readonly Func<CancellationToken, ValueTask<Socket>> _accept;
    private readonly TcpTransportOptions _options;
    private readonly TimeProvider _clock;
    private readonly TransportMetrics? _metrics;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();
    private int _closed;

    /// <summary>Accepts from a socket that listens; <paramref name="accept"/> stands in for it where a test makes accepting fail.</summary>
    public TcpAcceptor(
        Socket socket,
        bool dualStack,
        TcpTransportOptions options,
        TimeProvider clock,
        TransportMetrics? metrics,
        ILogger logger,
        Func<CancellationToken, ValueTask<Socket>>? accept = null)
    {
        _socket = socket;
        _accept = accept ?? socket.AcceptAsync;
        _options = options;
        _clock = clock;
        _metrics = metrics;
        _logger = logger;
        _bound = (IPEndPoint)socket.LocalEndPoint!;
        _dualStack = dualStack;
    }

    /// <summary>Where it accepts now: a wildcard stands for the addresses of the interfaces, which come and go.</summary>
    public IReadOnlyList<Multiaddr> Addresses => Expand(_bound, _dualStack);

    public async ValueTask<RawConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        var pause = _options.AcceptPause;
        while (!_closing.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (await AcceptOnceAsync(either.Token) is { } raw) return raw;
            }
            catch (Exception) when (_closing.IsCancellationRequested)
            {
                // Closing the socket ends a waiting accept in one of several ways; all of them mean the end.
                return null;
            }
            catch (SocketException e)
            {
                _metrics?.AcceptFailed();
                TransportLog.AcceptFailed(_logger, Addresses[0], pause, e);
                await Task.Delay(pause, _clock, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < _options.LongestAcceptPause ? pause * 2 : _options.LongestAcceptPause;
            }
        }

        return null;
    }

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            _closing.Cancel();
            _socket.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>A connection, or null when it was reset before it could be looked at.</summary>
    private async ValueTask<RawConnection?> AcceptOnceAsync(CancellationToken cancellationToken)
    {
        var socket = await _accept(cancellationToken);
        try
        {
            var raw = TcpTransport.Wrap(socket, Direction.Inbound);
            _metrics?.Accepted();
            return raw;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            TransportLog.AcceptFailed(_logger, Addresses[0], TimeSpan.Zero, e);
            return null;
        }
    }

    /// <summary>A wildcard stands for the addresses of the interfaces that are up, without IPv6 link-local ones, which mean nothing elsewhere; anything else for itself.</summary>
    private static IReadOnlyList<Multiaddr> Expand(IPEndPoint bound, bool dualStack)
    {
        if (!bound.Address.Equals(IPAddress.Any) && !bound.Address.Equals(IPAddress.IPv6Any)) return [Multiaddr.FromEndPoint(bound)];
        var found = NetworkInterface.GetAllNetworkInterfaces()
            .Where(i => i.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Where(a => !a.Address.IsIPv6LinkLocal && (a.Address.AddressFamily == bound.AddressFamily || (dualStack && a.Address.AddressFamily == AddressFamily.InterNetwork)))
            .Select(a => Multiaddr.FromEndPoint(new IPEndPoint(a.Address, bound.Port)))
            .Distinct()
            .ToList();
        return found.Count > 0 ? found : [Multiaddr.FromEndPoint(bound)];
    }
}
