using System.Text;
using Starling.Net.Links;
using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>The topics of one node on the wire: a router for each family.</summary>
internal sealed class TopicWire : ITopicWire, IAsyncDisposable
{
    private readonly ILinkHost _host;
    private readonly NodeIdentity _identity;
    private readonly TopicSetting _setting;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Family _libP2P;
    private Family? _starling;
    private FollowedTopics? _followed;
    private bool _stopping;

    /// <summary>What the lengths of a message's fields may grow by when it is filled.</summary>
    private const int LengthGrowth = 4;
    private readonly List<IFollowerObserver> _observers = [];

    public TopicWire(ILinkHost host, NodeIdentity identity, TopicSetting setting)
    {
        (_host, _identity, _setting) = (host, identity, setting);
        LocalPeer = host.LocalPeer;
        _libP2P = Open(TopicFamily.LibP2P, setting.Options.Protocols.Count > 0 ? setting.Options.Protocols : PubSubProtocol.Default);
    }

    public PeerId LocalPeer { get; }

    /// <summary>Whether messages of others are handed on.</summary>
    public bool HandsOn
    {
        get;
        set
        {
            lock (_gate)
            {
                field = value;
                foreach (var router in Routers) router.HandsOn = value;
            }
        }
    } = true;

    /// <summary>Whether anything may be followed.</summary>
    public bool FollowsTopics { get; set; } = true;

    public PubSubCounters Counters => _libP2P.Router.Counters;

    /// <summary>The routers in use.</summary>
    public IReadOnlyList<TopicRouter> Routers => Volatile.Read(ref _starling) is { } starling ? [_libP2P.Router, starling.Router] : [_libP2P.Router];

    public void Admit(WireTopic topic, IReadOnlySet<PeerId> members)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        Of(topic).Router.Admit(topic.Name, members);
    }

    public IDisposable Follow(WireTopic topic, ITopicSink sink)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        if (!FollowsTopics) throw new InvalidOperationException($"This node is a root and follows no topic, so not '{topic.Name}' either; relay the topic instead, or start the node as a member.");
        return Of(topic).Router.Follow(topic.Name, sink);
    }

    public IDisposable Relay(WireTopic topic)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        return Of(topic).Router.Relay(topic.Name);
    }

    public IDisposable Validate(WireTopic topic, ITopicValidator validator)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        return Of(topic).Router.Validate(topic.Name, validator);
    }

    public ValueTask<bool> IsAcceptedAsync(WireTopic topic, PubSubMessage message, PeerId from) => Of(topic).Router.IsAcceptedAsync(message, from);

    public WirePublish Publish(WireTopic topic, ReadOnlySpan<byte> data, bool waited, IReleaseObserver? observer)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        var release = observer is null ? null : new Release(observer);
        try
        {
            var family = Of(topic);
            if (family.SizeOf(topic.Name, data.Length) > _setting.Options.MaxMessageBytes) return new WirePublish(PublishStatus.TooLarge);

            // Numbers are to rise in the order in which messages leave.
            lock (family.Signing)
            {
                var message = family.Signer.Sign(topic.Name, data);
                return family.Router.Publish(message, waited, release) with { Message = message };
            }
        }
        catch (ObjectDisposedException)
        {
            return new WirePublish(PublishStatus.Rejected);
        }
        finally
        {
            release?.LetGo();
        }
    }

    public Task? RoomAsync(WireTopic topic, int size)
    {
        var family = Of(topic);
        var encoded = (int)Math.Min(family.SizeOf(topic.Name, size), _setting.Options.MaxMessageBytes);
        return family.Router.Board.FindFull(topic.Name, encoded)?.ProgressAsync(encoded);
    }

    public int MaxData(WireTopic topic) => (int)Math.Max(0, _setting.Options.MaxMessageBytes - Of(topic).SizeOf(topic.Name, 0) - LengthGrowth);

    public IReadOnlyList<WireTopic> Followed
    {
        get
        {
            if (Volatile.Read(ref _starling) is not { } starling) return _libP2P.Router.Followed;
            var (own, closed, known) = (_libP2P.Router.Followed, starling.Router.Followed, Volatile.Read(ref _followed));
            if (known is null || !ReferenceEquals(known.Own, own) || !ReferenceEquals(known.Closed, closed)) Volatile.Write(ref _followed, known = new FollowedTopics(own, closed, [.. own, .. closed]));
            return known.All;
        }
    }

    public IReadOnlySet<PeerId>? MembersOf(WireTopic topic) => Of(topic).Router.MembersOf(topic.Name);

    public IReadOnlyList<PeerId> Followers(WireTopic topic) => Of(topic).Router.Board.Followers(topic.Name);

    public Task WaitForFollowersAsync(WireTopic topic, int count, CancellationToken cancellationToken)
    {
        PubSubCore.CheckTopic(topic.Name, _setting.Options);
        return Of(topic).Router.Board.WaitAsync(topic.Name, count, cancellationToken);
    }

    public IDisposable Observe(IFollowerObserver observer)
    {
        lock (_gate)
        {
            _observers.Add(observer);
            foreach (var router in Routers) router.Observe(observer);
        }

        return new Observation(() =>
        {
            lock (_gate)
            {
                _observers.Remove(observer);
                foreach (var router in Routers) router.Unobserve(observer);
            }
        });
    }

    /// <summary>Completes when everything that was queued is written.</summary>
    public Task FlushAsync() => Task.WhenAll(AllPeers().Where(peer => peer.Link is not null).Select(peer => peer.Queue.FlushAsync()));

    /// <summary>Stops: sinks are told, what is queued is written for up to <see cref="PubSubServiceOptions.StopTimeout"/>, streams are closed.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate) _stopping = true;
        var why = new ObjectDisposedException(nameof(PubSubService), "The node stopped while this was waited for.");
        foreach (var router in Routers) router.Stop(why);
        var peers = AllPeers();
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
        foreach (var router in Routers) router.Dispose();
        _stop.Dispose();
    }

    private PubSubPeer[] AllPeers() => [.. Routers.SelectMany(router => router.AllPeers())];

    /// <summary>A topic's family. The Starling one is served from its first use on.</summary>
    private Family Of(WireTopic topic)
    {
        if (topic.Family == TopicFamily.LibP2P) return _libP2P;
        if (Volatile.Read(ref _starling) is { } open) return open;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, typeof(PubSubService));
            if (_starling is not null) return _starling;
            var family = Open(TopicFamily.Starling, [PubSubProtocol.StarlingMesh]);
            foreach (var observer in _observers) family.Router.Observe(observer);
            Volatile.Write(ref _starling, family);
            return family;
        }
    }

    private Family Open(TopicFamily kind, IReadOnlyList<string> protocols)
    {
        var router = new TopicRouter(kind, _host, protocols, _setting) { HandsOn = HandsOn };
        _setting.Metrics.Observe(router.Counters);
        router.Start((stream, cancelled) => ServeAsync(router, stream, cancelled));
        return new Family(router, new MessageSigner(_identity, _setting.Begin, router.Policy));
    }

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

    /// <summary>What is followed in both families, together the same list until either changes.</summary>
    private sealed record FollowedTopics(IReadOnlyList<WireTopic> Own, IReadOnlyList<WireTopic> Closed, IReadOnlyList<WireTopic> All);

    private sealed class Observation(Action end) : IDisposable
    {
        public void Dispose() => end();
    }

    private sealed record Family(TopicRouter Router, MessageSigner Signer)
    {
        public Lock Signing { get; } = new();

        public long SizeOf(string topic, int data) => Signer.EncodedSize(Encoding.UTF8.GetByteCount(topic), data);
    }
}
