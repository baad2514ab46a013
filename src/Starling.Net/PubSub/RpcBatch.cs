using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>What goes into one RPC. Kept until it is written, so that it can be written again on a new stream.</summary>
internal sealed class RpcBatch
{
    private readonly List<(string Topic, bool Subscribe)> _announcements = [];
    private readonly List<GossipControl> _controls = [];
    private readonly List<Outgoing> _messages = [];

    public List<Outgoing> Messages => _messages;

    /// <summary>The RPC's length in bytes, without its length prefix.</summary>
    public int Size { get; private set; }

    public bool IsEmpty => Size == 0;

    public void Add(string topic, bool subscribe)
    {
        _announcements.Add((topic, subscribe));
        Size += RpcCodec.SizeOfSubscription(topic);
    }

    /// <summary>Message ids in its control messages.</summary>
    public int Ids { get; private set; }

    public void Add(in GossipControl control)
    {
        _controls.Add(control);
        Ids += control.Ids.Length;
    }

    public void Add(in Outgoing message)
    {
        _messages.Add(message);
        Size += RpcCodec.SizeOfMessage(message.Size);
    }

    public void Clear()
    {
        _announcements.Clear();
        _messages.Clear();
        _controls.Clear();
        Size = Ids = 0;
    }

    /// <summary>The length of the frame: the RPC and its length prefix.</summary>
    public int FrameLength => RpcCodec.VarintSize(Size) + Size;

    /// <summary>Writes the frame and returns its length.</summary>
    public int Write(Span<byte> to)
    {
        var at = RpcCodec.WriteVarint(to, Size);
        foreach (var (topic, subscribe) in _announcements) at += RpcCodec.WriteSubscription(to[at..], topic, subscribe);
        foreach (var message in _messages) at += RpcCodec.WriteMessage(to[at..], message.Message.Encoded.Span);
        return at;
    }
}
