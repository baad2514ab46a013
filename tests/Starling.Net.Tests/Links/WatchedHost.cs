using System.Collections.Concurrent;
using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

/// <summary>A link host without a network for whoever watches links: the test says when something arrives and when a ping is answered.</summary>
internal sealed class WatchedHost(TimeProvider clock) : ILinkHost
{
    private ILinkObserver? _observer;

    public PeerId LocalPeer => throw new NotSupportedException();

    public IReadOnlyList<Multiaddr> ListenAddresses => [];

    public IReadOnlyList<IPeerLink> Links => throw new NotSupportedException();

    public WatchedLink Connect()
    {
        var link = new WatchedLink(clock);
        _observer!.OnConnected(link);
        return link;
    }

    public void Disconnect(WatchedLink link) => _observer!.OnDisconnected(link, new CloseInfo(CloseReason.RemoteClose));

    public IPeerLink? Find(PeerId peer) => null;

    public Task<IPeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public IDisposable Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32) => throw new NotSupportedException();

    public IDisposable Observe(ILinkObserver observer)
    {
        _observer = observer;
        return new MemoryStream();
    }
}

/// <summary>A link of a <see cref="WatchedHost"/> and its connection in one.</summary>
internal sealed class WatchedLink(TimeProvider clock) : IPeerLink, IConnection
{
    private static readonly NodeIdentity Someone = NodeIdentity.Generate();
    private readonly TaskCompletionSource<CloseInfo> _closed = new();
    private Instant _lastReceived = clock.Now();

    /// <summary>Whether it answers pings at once.</summary>
    public bool Answers { get; set; } = true;

    /// <summary>Whether a polite close hangs until it is cancelled.</summary>
    public bool Stalled { get; set; }

    public ConcurrentQueue<TaskCompletionSource<TimeSpan>> Pings { get; } = new();

    public PeerId Peer => Someone.PeerId;

    public LinkKind Kind => LinkKind.Direct;

    public LinkPriority Priority { get; set; }

    public IConnection Connection => this;

    public PeerInfo Info => throw new NotSupportedException();

    public PeerId LocalPeer => throw new NotSupportedException();

    public PeerId RemotePeer => Peer;

    public PublicKey RemoteKey => throw new NotSupportedException();

    public Multiaddr LocalAddress => throw new NotSupportedException();

    public Multiaddr RemoteAddress => throw new NotSupportedException();

    public Direction Direction => Direction.Outbound;

    public string Security => "";

    public string Muxer => "";

    public TimeSpan? RoundTripTime => null;

    public LinkTraffic Traffic => new(0, 0, _lastReceived, _lastReceived);

    public int StreamCount => 0;

    public Task<CloseInfo> Closed => _closed.Task;

    public void Receive() => _lastReceived = clock.Now();

    public ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default)
    {
        var ping = new TaskCompletionSource<TimeSpan>();
        Pings.Enqueue(ping);
        if (Answers)
        {
            Receive();
            ping.SetResult(TimeSpan.FromMilliseconds(1));
        }

        return new ValueTask<TimeSpan>(ping.Task.WaitAsync(cancellationToken));
    }

    public async Task CloseAsync(CloseInfo why, CancellationToken cancellationToken = default)
    {
        if (Stalled) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closed.TrySetResult(why);
        foreach (var ping in Pings) ping.TrySetException(new ConnectionClosedException(why));
    }

    public ValueTask<IStream> OpenStreamAsync(IReadOnlyList<string> protocols, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<IStream> OpenStreamAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<IStream> AcceptStreamAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
