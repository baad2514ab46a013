using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using Starling.Net.Links;
using Starling.Net.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>A link host without a network: links are pairs of objects, streams are pairs of pipes that hold 64 KiB each.</summary>
internal sealed class FakeHost : ILinkHost, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, StreamHandler> _handlers = new();
    private readonly List<ILinkObserver> _observers = [];
    private readonly ConcurrentDictionary<PeerId, FakeLink> _links = new();
    private readonly CancellationTokenSource _stop = new();

    public NodeIdentity Identity { get; } = NodeIdentity.Generate();

    public PeerId LocalPeer => Identity.PeerId;

    public IReadOnlyList<Multiaddr> ListenAddresses => [];

    public IReadOnlyList<IPeerLink> Links => [.. _links.Values];

    public PubSubService Start(PubSubServiceOptions? options = null, TimeProvider? clock = null, ResourceBudget? budget = null, IMeterFactory? meters = null) =>
        new(this, Identity, options, budget, clock, meters: meters);

    public static void Link(FakeHost left, FakeHost right)
    {
        left.Connect(right);
        right.Connect(left);
    }

    public static void Unlink(FakeHost left, FakeHost right)
    {
        left.Disconnect(right.LocalPeer);
        right.Disconnect(left.LocalPeer);
    }

    /// <summary>Ends a link at this host alone; what the other one sends on open streams still arrives.</summary>
    public void EndLink(FakeHost peer) => Disconnect(peer.LocalPeer);

    /// <summary>The streams that this host has opened to a peer, oldest first.</summary>
    public IReadOnlyList<FakeStream> OpenedTo(FakeHost peer) => [.. _links[peer.LocalPeer].Opened];

    public IPeerLink? Find(PeerId peer) => _links.GetValueOrDefault(peer);

    public Task<IPeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IDisposable Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32)
    {
        if (!_handlers.TryAdd(protocol, handler)) throw new InvalidOperationException(protocol);
        return new Registration(() => _handlers.TryRemove(protocol, out _));
    }

    public IDisposable Observe(ILinkObserver observer)
    {
        lock (_observers) _observers.Add(observer);
        foreach (var link in Links) observer.OnConnected(link);
        return new Registration(() =>
        {
            lock (_observers) _observers.Remove(observer);
        });
    }

    public void Identified(FakeHost peer) => Tell(observer => observer.OnIdentified(_links[peer.LocalPeer]));

    /// <summary>Serves a stream as the handler of its protocol would be given it; returns when the handler does.</summary>
    public async Task ServeAsync(FakeStream stream)
    {
        try
        {
            await _handlers[stream.Protocol!](stream, _stop.Token);
            await stream.DisposeAsync();
        }
        catch (Exception error) when (error is StarlingException or OperationCanceledException)
        {
            stream.Reset();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _stop.Dispose();
        Identity.Dispose();
    }

    private void Connect(FakeHost other)
    {
        var link = new FakeLink(this, other);
        _links[other.LocalPeer] = link;
        Tell(observer => observer.OnConnected(link));
    }

    private void Disconnect(PeerId peer)
    {
        if (!_links.TryRemove(peer, out var link)) return;
        foreach (var stream in link.Opened) stream.Reset();
        Tell(observer => observer.OnDisconnected(link, new CloseInfo(CloseReason.RemoteClose)));
    }

    private void Tell(Action<ILinkObserver> tell)
    {
        ILinkObserver[] observers;
        lock (_observers) observers = [.. _observers];
        foreach (var observer in observers) tell(observer);
    }

    private sealed class Registration(Action dispose) : IDisposable
    {
        public void Dispose() => dispose();
    }

    private sealed class FakeLink(FakeHost local, FakeHost remote) : IPeerLink
    {
        public ConcurrentQueue<FakeStream> Opened { get; } = new();

        public PeerId Peer => remote.LocalPeer;

        public LinkKind Kind => LinkKind.Direct;

        public LinkPriority Priority { get; set; } = LinkPriority.Medium;

        public IConnection Connection => new FakeConnection(local.LocalPeer, remote.LocalPeer);

        public PeerInfo Info => new("", "", [.. remote._handlers.Keys], [], null, null, default);

        public ValueTask<IStream> OpenStreamAsync(IReadOnlyList<string> protocols, CancellationToken cancellationToken = default)
        {
            if (!local._links.ContainsKey(Peer)) throw new ConnectionClosedException(new CloseInfo(CloseReason.RemoteClose));
            var protocol = protocols.FirstOrDefault(remote._handlers.ContainsKey) ?? throw new ProtocolNotSupportedException(protocols);
            var (ours, theirs) = FakeStream.Pair(Connection, new FakeConnection(remote.LocalPeer, local.LocalPeer), protocol);
            Opened.Enqueue(ours);
            _ = remote.ServeAsync(theirs);
            return new ValueTask<IStream>(ours);
        }
    }

    private sealed class FakeConnection(PeerId local, PeerId remote) : IConnection
    {
        public PeerId LocalPeer => local;

        public PeerId RemotePeer => remote;

        public PublicKey RemoteKey => throw new NotSupportedException();

        public Multiaddr LocalAddress => throw new NotSupportedException();

        public Multiaddr RemoteAddress { get; } = Multiaddr.Parse("/ip4/127.0.0.1/tcp/1");

        public Direction Direction => Direction.Outbound;

        public string Security => "";

        public string Muxer => "";

        public TimeSpan? RoundTripTime => null;

        public LinkTraffic Traffic => default;

        public int StreamCount => 0;

        public Task<CloseInfo> Closed => throw new NotSupportedException();

        public ValueTask<IStream> OpenStreamAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<IStream> AcceptStreamAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task CloseAsync(CloseInfo why, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>One end of a pair of pipes with the manners of a link's stream.</summary>
internal sealed class FakeStream(IConnection connection, string protocol, PipeReader input, PipeWriter output) : IStream
{
    private FakeStream? _other;

    public uint Id => 1;

    public Direction Direction => Direction.Outbound;

    public string? Protocol { get; set; } = protocol;

    public StreamPriority Priority { get; set; } = StreamPriority.Medium;

    public IConnection Connection { get; } = connection;

    public static (FakeStream Ours, FakeStream Theirs) Pair(IConnection ours, IConnection theirs, string protocol)
    {
        var options = new PipeOptions(pauseWriterThreshold: 64 << 10, resumeWriterThreshold: 32 << 10, useSynchronizationContext: false);
        var (there, back) = (new Pipe(options), new Pipe(options));
        var left = new FakeStream(ours, protocol, back.Reader, there.Writer);
        var right = new FakeStream(theirs, protocol, there.Reader, back.Writer) { _other = left };
        left._other = right;
        return (left, right);
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await Guard(() => input.ReadAsync(cancellationToken));
        var count = (int)Math.Min(buffer.Length, result.Buffer.Length);
        var part = result.Buffer.Slice(0, count);
        var at = 0;
        foreach (var segment in part)
        {
            segment.CopyTo(buffer[at..]);
            at += segment.Length;
        }

        input.AdvanceTo(part.End);
        return count;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        var result = await Guard(() => output.WriteAsync(data, cancellationToken));
        if (result.IsCompleted) throw new StreamResetException("The stream was reset.", byRemote: true);
    }

    public async ValueTask CloseWriteAsync(CancellationToken cancellationToken = default) => await output.CompleteAsync();

    public void Reset()
    {
        End();
        _other!.End();
    }

    public ValueTask DisposeAsync()
    {
        output.Complete();
        return ValueTask.CompletedTask;
    }

    private void End()
    {
        output.Complete(new StreamResetException("The stream was reset.", byRemote: false));
        input.CancelPendingRead();
    }

    private static async ValueTask<T> Guard<T>(Func<ValueTask<T>> act)
    {
        try
        {
            return await act();
        }
        catch (InvalidOperationException error)
        {
            throw new StreamResetException("The stream has ended.", byRemote: false, error);
        }
    }
}
