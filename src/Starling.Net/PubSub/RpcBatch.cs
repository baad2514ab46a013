using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>What goes into one RPC. Kept until it is written, so that it can be written again on a new stream.</summary>
internal sealed class RpcBatch
{
    private readonly List<(string Topic, bool Subscribe)> _announcements = [];
    private readonly List<GossipControl> _controls = [];
    private MessageIdForm _form;
    private int _controlLength;
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

    public void Add(in GossipControl control, MessageIdForm form)
    {
        // They share one field, all in the form of the first.
        if (_controls.Count == 0) _form = form;
        else Size -= RpcCodec.SizeOfControl(_controlLength);
        _controls.Add(control);
        _controlLength += RpcCodec.SizeOfControlEntry(control, _form);
        Size += RpcCodec.SizeOfControl(_controlLength);
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
        Size = Ids = _controlLength = 0;
    }

    /// <summary>The length of the frame: the RPC and its length prefix.</summary>
    public int FrameLength => RpcCodec.VarintSize(Size) + Size;

    /// <summary>Writes the frame and returns its length.</summary>
    public int Write(Span<byte> to)
    {
        var at = RpcCodec.WriteVarint(to, Size);
        foreach (var (topic, subscribe) in _announcements) at += RpcCodec.WriteSubscription(to[at..], topic, subscribe);
        if (_controls.Count > 0) at += RpcCodec.WriteControlHead(to[at..], _controlLength);
        foreach (var control in _controls) at += RpcCodec.WriteControlEntry(to[at..], control, _form);
        foreach (var message in _messages) at += RpcCodec.WriteMessage(to[at..], message.Message.Encoded.Span);
        return at;
    }
}
