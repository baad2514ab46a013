using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Net.Transport;
using Starling.Net.Transport.Noise;
using Starling.Net.Yamux;
using Starling.Protocols.Yamux;

namespace Starling.Net.Tests.Links;

/// <summary>A swarm over loopback sockets, Noise and yamux, with every raw connection at hand to be cut or stalled.</summary>
internal sealed class TestNode : IAsyncDisposable, ILinkObserver
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly NoiseSecurity _noise;
    private readonly ResourceBudget _budget = new();
    private readonly YamuxOptions _yamux;
    private readonly Channel<string> _events = Channel.CreateBounded<string>(100_000);

    private TestNode(Action<SwarmOptions>? configure, TimeProvider clock, YamuxOptions? yamux)
    {
        Identity = NodeIdentity.Generate();
        _noise = new NoiseSecurity(Identity);
        _yamux = yamux ?? new YamuxOptions();
        Clock = clock;
        var options = new SwarmOptions();
        configure?.Invoke(options);
        Transport = new LoopbackTransport();
        Swarm = new Swarm(new SwarmWiring(Identity, [Transport], DialAsync, UpgradeAsync, clock, RandomSource.System), options, Metrics, NullLogger.Instance);
        Swarm.Observe(this);
    }

    public NodeIdentity Identity { get; }

    public PeerId Id => Identity.PeerId;

    public LinksMetrics Metrics { get; } = new();

    public LoopbackTransport Transport { get; }

    public Swarm Swarm { get; }

    public TimeProvider Clock { get; }

    public Multiaddr Address => Swarm.ListenAddresses[0];

    public IReadOnlyList<Multiaddr> Addresses => [Address];

    public static async Task<TestNode> StartAsync(Action<SwarmOptions>? configure = null, TimeProvider? clock = null, YamuxOptions? yamux = null)
    {
        var node = new TestNode(configure, clock ?? TimeProvider.System, yamux);
        await node.Swarm.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"));
        return node;
    }

    public Task<IPeerLink> ConnectAsync(TestNode other) => Swarm.ConnectAsync(other.Id, other.Addresses).WaitAsync(Patience);

    /// <summary>A secured link to another node that this node's swarm knows nothing of: it answers nothing on its own.</summary>
    public Task<IConnection> DialRawAsync(TestNode other) => DialAsync(other.Id, other.Addresses, CancellationToken.None).WaitAsync(Patience);

    /// <summary>The next event: <c>connected</c>, <c>identified</c> or <c>disconnected REASON</c>.</summary>
    public async Task<string> NextEventAsync() => await _events.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public bool HasEvent => _events.Reader.TryPeek(out _);

    public void OnConnected(IPeerLink link) => _events.Writer.TryWrite("connected");

    public void OnIdentified(IPeerLink link) => _events.Writer.TryWrite("identified");

    public void OnDisconnected(IPeerLink link, CloseInfo why) => _events.Writer.TryWrite($"disconnected {why.Reason}");

    public async ValueTask DisposeAsync()
    {
        await Swarm.StopAsync().WaitAsync(Patience);
        Metrics.Dispose();
        _noise.Dispose();
        Identity.Dispose();
    }

    private async Task<IConnection> DialAsync(PeerId? expected, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken)
    {
        var raw = await Transport.DialAsync(addresses[0], cancellationToken);
        return await SecureAsync(raw, expected, cancellationToken);
    }

    private Task<IConnection> UpgradeAsync(RawConnection raw, CancellationToken cancellationToken) => SecureAsync(raw, null, cancellationToken);

    private async Task<IConnection> SecureAsync(RawConnection raw, PeerId? expected, CancellationToken cancellationToken)
    {
        try
        {
            var secure = await _noise.SecureAsync(raw.Channel, raw.Direction, expected, ["/yamux/1.0.0"], cancellationToken);
            var link = new LinkDescription(Id, secure.RemotePeer, secure.RemoteKey, raw.LocalAddress, raw.RemoteAddress, raw.Direction, _noise.ProtocolId, "/yamux/1.0.0");
            return YamuxConnection.Start(secure.Stream, link, _yamux, _budget, Clock);
        }
        catch
        {
            await raw.DisposeAsync();
            throw;
        }
    }
}

/// <summary>TCP over 127.0.0.1 whose sockets the test can reach.</summary>
internal sealed class LoopbackTransport : ITransport
{
    /// <summary>Every socket dialled or accepted.</summary>
    public ConcurrentBag<Socket> Sockets { get; } = [];

    public bool CanDial(Multiaddr address) => true;

    public bool CanListen(Multiaddr address) => address.TryGetTcpEndPoint(out _);

    public async ValueTask<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        Assert.True(address.TryGetTcpEndPoint(out var endPoint));
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint!, cancellationToken);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new HandshakeException(HandshakeFailure.TransportFailed, $"{address}: {error.Message}", error);
        }

        return Wrap(socket, Direction.Outbound);
    }

    public ValueTask<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        Assert.True(address.TryGetTcpEndPoint(out var endPoint));
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(endPoint!);
        socket.Listen(512);
        return ValueTask.FromResult<ITransportListener>(new Listener(this, socket));
    }

    /// <summary>Ends every socket as the death of the process would.</summary>
    public void Kill()
    {
        foreach (var socket in Sockets) socket.Close(0);
    }

    private RawConnection Wrap(Socket socket, Direction direction)
    {
        Sockets.Add(socket);
        return new RawConnection(
            new NetworkStream(socket, ownsSocket: true),
            Multiaddr.FromEndPoint((IPEndPoint)socket.LocalEndPoint!),
            Multiaddr.FromEndPoint((IPEndPoint)socket.RemoteEndPoint!),
            direction);
    }

    private sealed class Listener(LoopbackTransport transport, Socket socket) : ITransportListener
    {
        public IReadOnlyList<Multiaddr> Addresses { get; } = [Multiaddr.FromEndPoint((IPEndPoint)socket.LocalEndPoint!)];

        public async ValueTask<RawConnection?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                var accepted = await socket.AcceptAsync(cancellationToken);
                accepted.NoDelay = true;
                return transport.Wrap(accepted, Direction.Inbound);
            }
            catch (Exception error) when (error is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return null;
            }
        }

        public ValueTask DisposeAsync()
        {
            socket.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
