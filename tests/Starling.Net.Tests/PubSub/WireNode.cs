using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.PubSub;
using Starling.Net.Tests.Links;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>A swarm on a loopback socket with topics on the wire.</summary>
internal sealed class WireNode : IAsyncDisposable, ITopicLinks
{
    private readonly ConcurrentDictionary<PeerId, int> _meshes = new();
    private readonly PubSubMetrics _metrics = new(null);

    private WireNode(TestNode node, PubSubServiceOptions options)
    {
        Node = node;
        Setting = new TopicSetting(options, new ResourceBudget(), TimeProvider.System, RandomSource.System, new PubSubLog(NullLogger.Instance), _metrics) { Links = this };
        Wire = new TopicWire(node.Swarm, node.Identity, Setting);
    }

    public TestNode Node { get; }

    public TopicSetting Setting { get; }

    public TopicWire Wire { get; }

    public PeerId Id => Node.Id;

    /// <summary>Completes when this many neighbours are in this node's meshes.</summary>
    public Waiting MeshReached { get; } = new();

    public static async Task<WireNode> StartAsync(PubSubServiceOptions? options = null) => new(await TestNode.StartAsync(), options ?? new PubSubServiceOptions());

    public static async Task<WireNode[]> StartAsync(int count, params (int From, int To)[] links)
    {
        var nodes = new WireNode[count];
        for (var i = 0; i < count; i++) nodes[i] = await StartAsync(new PubSubServiceOptions { Gossip = { HeartbeatInterval = TimeSpan.FromMilliseconds(100) } });
        foreach (var (from, to) in links) await nodes[from].Node.ConnectAsync(nodes[to].Node);
        return nodes;
    }

    public void InMeshes(string tag, PeerId peer, int meshes)
    {
        if (meshes > 0) _meshes[peer] = meshes;
        else _meshes.TryRemove(peer, out _);
        MeshReached.Set(_meshes.Count);
    }

    public void Keep(PeerId peer) => Assert.Fail("nobody is explicit");

    public void Offer(PeerId peer, ReadOnlyMemory<byte> signedRecord) => Assert.Fail("nobody is pruned");

    public WirePublish Say(WireTopic topic, string text, IReleaseObserver? observer = null) => Wire.Publish(topic, Encoding.UTF8.GetBytes(text), waited: true, observer);

    public async ValueTask DisposeAsync()
    {
        await Wire.DisposeAsync().AsTask().WaitAsync(TopicNetwork.Patience);
        await Node.DisposeAsync();
        _metrics.Dispose();
    }
}

/// <summary>A number that tests wait for.</summary>
internal sealed class Waiting
{
    private readonly Lock _gate = new();
    private readonly List<(int Least, TaskCompletionSource Reached)> _waiters = [];
    private int _value;

    public void Set(int value)
    {
        lock (_gate)
        {
            _value = value;
            foreach (var (least, reached) in _waiters)
            {
                if (value >= least) reached.TrySetResult();
            }
        }
    }

    public int Value => Volatile.Read(ref _value);

    public void Add() => Set(Volatile.Read(ref _value) + 1);

    public Task ReachAsync(int least)
    {
        lock (_gate)
        {
            if (_value >= least) return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((least, reached));
            return reached.Task.WaitAsync(TopicNetwork.Patience);
        }
    }
}

/// <summary>Takes messages in, counts each, and is never full unless told so.</summary>
internal sealed class CountingSink : ITopicSink
{
    public ConcurrentDictionary<MessageId, int> Counts { get; } = new();

    public ConcurrentQueue<string> Texts { get; } = new();

    public Waiting Received { get; } = new();

    public bool IsFull => false;

    public void Deliver(PubSubMessage message, PeerId from)
    {
        Counts.AddOrUpdate(message.Id, 1, (_, before) => before + 1);
        Texts.Enqueue(Encoding.UTF8.GetString(message.Data.Span));
        Received.Add();
    }

    public Task RoomAsync() => Task.CompletedTask;

    public void Stopped()
    {
    }
}

/// <summary>Counts how often it was told.</summary>
internal sealed class CountingRelease : IReleaseObserver
{
    public Waiting Count { get; } = new();

    public int Times;

    public void Released()
    {
        Interlocked.Increment(ref Times);
        Count.Add();
    }
}
