using System.Text;
using Starling.Net.Links;
using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>The topics of one node on the wire: a router for each family.</summary>
internal sealed class TopicWire : ITopicWire, IAsyncDisposable
{
    private readonly TopicRouter _router;
    private readonly MessageSigner _signer;
    private readonly Lock _signing = new();
    private readonly TopicSetting _setting;
    private readonly CancellationTokenSource _stop = new();

    public TopicWire(ILinkHost host, NodeIdentity identity, TopicSetting setting)
    {
        _setting = setting;
        LocalPeer = host.LocalPeer;
        _signer = new MessageSigner(identity, setting.Clock.GetUtcNow());
        _router = new TopicRouter(TopicFamily.LibP2P, host, setting.Options.Protocols, setting);
        setting.Metrics.Observe(_router.Counters);
        _router.Start((stream, cancelled) => ServeAsync(_router, stream, cancelled));
    }

    public PeerId LocalPeer { get; }

    /// <summary>The router of a family.</summary>
    public TopicRouter this[TopicFamily family] => family == TopicFamily.LibP2P ? _router : throw new NotSupportedException("No Link topic can be used yet.");

    public void Admit(WireTopic topic, IReadOnlySet<PeerId> members) => throw new NotSupportedException("No Link topic can be used yet.");

    public IDisposable Follow(WireTopic topic, ITopicSink sink)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        return this[topic.Family].Follow(topic.Name, sink);
    }

    public WirePublish Publish(WireTopic topic, ReadOnlySpan<byte> data, bool waited, IReleaseObserver? observer)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        var release = observer is null ? null : new Release(observer);
        try
        {
            if (SizeOf(topic, data.Length) > _setting.Options.MaxMessageBytes) return new WirePublish(PublishStatus.TooLarge);

            // Numbers are to rise in the order in which messages leave.
            lock (_signing) return _router.Publish(_signer.Sign(topic.Name, data), waited, release);
        }
        finally
        {
            release?.LetGo();
        }
    }

    public Task? RoomAsync(WireTopic topic, int size)
    {
        var encoded = (int)Math.Min(SizeOf(topic, size), _setting.Options.MaxMessageBytes);
        return this[topic.Family].Board.FindFull(topic.Name, encoded)?.ProgressAsync(encoded);
    }

    public int MaxData(WireTopic topic) => (int)(_setting.Options.MaxMessageBytes - SizeOf(topic, 0) - 4);

    public IReadOnlyList<PeerId> Followers(WireTopic topic) => this[topic.Family].Board.Followers(topic.Name);

    public Task WaitForFollowersAsync(WireTopic topic, int count, CancellationToken cancellationToken)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        return this[topic.Family].Board.WaitAsync(topic.Name, count, cancellationToken);
    }

    public IDisposable Observe(IFollowerObserver observer)
    {
        _router.Observe(observer);
        return new Observation(() => _router.Unobserve(observer));
    }

    /// <summary>Completes when everything that was queued is written.</summary>
    public Task FlushAsync() => Task.WhenAll(_router.AllPeers().Where(peer => peer.Link is not null).Select(peer => peer.Queue.FlushAsync()));

    /// <summary>Stops: sinks are told, what is queued is written for up to <see cref="PubSubServiceOptions.StopTimeout"/>, streams are closed.</summary>
    public async ValueTask DisposeAsync()
    {
        _router.Stop(new ObjectDisposedException(nameof(PubSubService), "The node stopped while this was waited for."));
        var peers = _router.AllPeers();
        try
        {
            await FlushAsync().WaitAsync(_setting.Options.StopTimeout, _setting.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _setting.Log.StoppedUnflushed(peers.Sum(peer => peer.Queue.Bytes));
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var peer in peers) peer.Stop();
        await Task.WhenAll(peers.Select(peer => peer.Writing)).ConfigureAwait(false);
        foreach (var peer in peers) peer.Dispose();
        _stop.Dispose();
    }

    private long SizeOf(WireTopic topic, int data) => _signer.EncodedSize(Encoding.UTF8.GetByteCount(topic.Name), data);

    private async Task ServeAsync(TopicRouter router, IStream stream, CancellationToken cancellationToken)
    {
        var from = stream.Connection.RemotePeer;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        router.Attach(from, stream.Protocol);
        try
        {
            await new RpcReader(from, stream, router).RunAsync(either.Token).ConfigureAwait(false);
        }
        finally
        {
            router.Detach(from);
        }
    }

    private sealed class Observation(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
