using Starling.Net.PubSub;
using Starling.Net.Tests.Links;
using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>A peer on a socket of its own that says on its stream whatever it is told to, and counts what comes back, or never reads it.</summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private readonly TestNode _node;
    private readonly bool _reads;
    private IStream? _stream;

    private RawPeer(TestNode node, bool reads) => (_node, _reads) = (node, reads);

    public PeerId Id => _node.Id;

    public NodeIdentity Identity => _node.Identity;

    /// <summary>Messages that came back.</summary>
    public Waiting Messages { get; } = new();

    /// <summary>Subscriptions that it was told of.</summary>
    public Waiting Told { get; } = new();

    public static async Task<RawPeer> StartAsync(WireNode target, string protocol = PubSubProtocol.Mesh12, bool reads = true)
    {
        var peer = new RawPeer(await TestNode.StartAsync(), reads);
        peer._node.Swarm.Handle(protocol, peer.ServeAsync);
        var link = await peer._node.ConnectAsync(target.Node);
        peer._stream = await link.OpenStreamAsync([protocol]);
        return peer;
    }

    /// <summary>Sends an RPC.</summary>
    public async Task SendAsync(byte[] body)
    {
        var head = new byte[5];
        var length = RpcCodec.WriteVarint(head, body.Length);
        await _stream!.WriteAsync((byte[])[.. head.AsSpan(0, length), .. body]).AsTask().Soon();
    }

    public Task SendAsync(params GossipControl[] controls)
    {
        var length = controls.Sum(control => RpcCodec.SizeOfControlEntry(control, MessageIdForm.PeerId));
        var body = new byte[RpcCodec.SizeOfControl(length)];
        var at = RpcCodec.WriteControlHead(body, length);
        foreach (var control in controls) at += RpcCodec.WriteControlEntry(body.AsSpan(at), control, MessageIdForm.PeerId);
        return SendAsync(body);
    }

    public Task SendMessageAsync(ReadOnlyMemory<byte> encoded)
    {
        var body = new byte[RpcCodec.SizeOfMessage(encoded.Length)];
        RpcCodec.WriteMessage(body, encoded.Span);
        return SendAsync(body);
    }

    public Task SubscribeAsync(string topic)
    {
        var body = new byte[RpcCodec.SizeOfSubscription(topic)];
        RpcCodec.WriteSubscription(body, topic, subscribe: true);
        return SendAsync(body);
    }

    /// <summary>Completes when the node has taken everything in that was sent so far.</summary>
    public async Task HeardAsync(WireNode by)
    {
        var fence = $"fence {Guid.NewGuid()}";
        await SubscribeAsync(fence);
        await by.Wire.WaitForFollowersAsync(new WireTopic(TopicFamily.LibP2P, fence), 1, CancellationToken.None).Soon();
    }

    /// <summary>Completes when the node has ended the stream.</summary>
    public async Task RefusedAsync()
    {
        try
        {
            Assert.Equal(0, await _stream!.ReadAsync(new byte[1]).Soon());
        }
        catch (StarlingException reset)
        {
            Assert.NotEmpty(reset.Message);
        }
    }

    public async ValueTask DisposeAsync() => await _node.DisposeAsync();

    private async Task ServeAsync(IStream stream, CancellationToken cancellationToken)
    {
        if (!_reads) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        using var frames = new RpcFrameReader(stream, 8 << 20);
        var rpc = new Rpc();
        while (await frames.ReadAsync(cancellationToken) is { } body)
        {
            Assert.Equal(PubSubRefusal.None, RpcCodec.Decode(body, new PubSubOptions(), rpc));
            for (var i = 0; i < rpc.MessageCount; i++) Messages.Add();
            for (var i = 0; i < rpc.Subscriptions.Count; i++) Told.Add();
        }
    }
}
