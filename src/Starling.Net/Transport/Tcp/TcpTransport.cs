using System.Net;
using System.Net.Sockets;

namespace Starling.Net.Transport;

/// <summary>Settings of <see cref="TcpTransport"/>.</summary>
public sealed class TcpTransportOptions
{
    /// <summary>Connections that the system holds until they are accepted. Default 512; the system may cap it.</summary>
    public int Backlog { get; set; } = 512;

    /// <summary>Whether <c>/ip6/::</c> takes IPv4 connections as well. Default false, as in other libp2p implementations, so that both wildcards may share a port.</summary>
    public bool DualStack { get; set; }
}

/// <summary>Byte streams over TCP: <c>/ip4|ip6|dns|dns4|dns6/…/tcp/…</c> (addressing spec). Safe for several threads.</summary>
/// <remarks>Nagle's delay is off. A name is dialled at all of its addresses in turn; <see cref="Dialer"/> does so in parallel.</remarks>
public sealed class TcpTransport : ITransport
{
    private readonly TcpTransportOptions _options;
    private readonly TimeProvider _clock;

    /// <summary>Creates the transport.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="clock">Times the pause after a failed accept; null for the system's clock.</param>
    public TcpTransport(TcpTransportOptions? options = null, TimeProvider? clock = null)
    {
        _options = options ?? new TcpTransportOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.Backlog, nameof(options));
        _clock = clock ?? TimeProvider.System;
    }

    /// <inheritdoc/>
    public bool CanDial(Multiaddr address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return address.TryGetTcpHost(out _, out var port) && port > 0 && !address.IsUnspecified;
    }

    /// <inheritdoc/>
    public bool CanListen(Multiaddr address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return address.TryGetTcpEndPoint(out _);
    }

    /// <inheritdoc/>
    public async ValueTask<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!CanDial(address) || !address.TryGetTcpHost(out var host, out var port))
            throw new HandshakeException(HandshakeFailure.UnsupportedAddress, $"{address} is no TCP address that can be dialled; name a host and a port above 0.");

        EndPoint target = address.TryGetTcpEndPoint(out var ip) ? ip : new DnsEndPoint(host, port, Family(address));
        var socket = ip is null ? new Socket(SocketType.Stream, ProtocolType.Tcp) : new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            await socket.ConnectAsync(target, cancellationToken);
            return Wrap(socket, Direction.Outbound);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new HandshakeException(HandshakeFailure.TransportFailed, $"{address}: {TcpErrors.Explain(e)}.", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!address.TryGetTcpEndPoint(out var endPoint))
            throw new StarlingException($"Cannot listen on {address}: it is no TCP address of this machine, such as /ip4/127.0.0.1/tcp/4001 or /ip6/::/tcp/0.");
        cancellationToken.ThrowIfCancellationRequested();

        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            var dual = _options.DualStack && endPoint.Address.Equals(IPAddress.IPv6Any);
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = dual;
            socket.Bind(endPoint);
            socket.Listen(_options.Backlog);
            var addresses = InterfaceAddresses.Resolve((IPEndPoint)socket.LocalEndPoint!, dual);
            return new ValueTask<ITransportListener>(new TcpAcceptor(socket, addresses, _clock));
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new StarlingException($"Cannot listen on {address}: {TcpErrors.Explain(e)}.", e);
        }
    }

    internal static RawConnection Wrap(Socket socket, Direction direction)
    {
        var local = Multiaddr.FromEndPoint((IPEndPoint)socket.LocalEndPoint!);
        var remote = Multiaddr.FromEndPoint((IPEndPoint)socket.RemoteEndPoint!);
        return new RawConnection(new NetworkStream(socket, ownsSocket: true), local, remote, direction);
    }

    private static AddressFamily Family(Multiaddr address) => address.Components[0].Protocol switch
    {
        "dns4" => AddressFamily.InterNetwork,
        "dns6" => AddressFamily.InterNetworkV6,
        _ => AddressFamily.Unspecified,
    };
}
