using System.Runtime.InteropServices;

namespace Starling.Protocols.PubSub;

/// <summary>One subscription entry of an RPC.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Subscribe">True when the sender follows the topic from now on, false when it no longer does.</param>
public readonly record struct SubscriptionEntry(string Topic, bool Subscribe);

/// <summary>One RPC as read from the wire: entries that point into its bytes. Reused from frame to frame by one reader.</summary>
/// <remarks>Filled by <see cref="RpcCodec.Decode"/>, screened by <see cref="PubSubCore.Receive"/>, checked by <see cref="VerifySignatures"/>
/// on any thread, taken in by <see cref="PubSubCore.Accept"/>. One thread at a time; the bytes must stay until the last of these.</remarks>
public sealed class Rpc
{
    private const int KeptEntries = 256;
    private readonly List<SubscriptionEntry> _subscriptions = [];
    private readonly List<RpcMessage> _messages = [];
    private readonly List<RpcControl> _controls = [];
    private readonly List<RpcField> _ids = [];

    /// <summary>The encoded RPC, without its length prefix.</summary>
    public ReadOnlyMemory<byte> Body { get; private set; }

    /// <summary>Topics that the sender begins or ceases to follow, in order.</summary>
    public IReadOnlyList<SubscriptionEntry> Subscriptions => _subscriptions;

    /// <summary>How many messages the RPC carries, valid or not.</summary>
    public int MessageCount => _messages.Count;

    /// <summary>Whether the RPC has a control field, perhaps with nothing in it that is known here.</summary>
    public bool HasControl { get; internal set; }

    /// <summary>How many control messages the RPC carries.</summary>
    public int ControlCount => _controls.Count;

    /// <summary>Subscription entries whose topic name could not be one.</summary>
    public int BadSubscriptions { get; internal set; }

    internal Span<RpcMessage> Messages => CollectionsMarshal.AsSpan(_messages);

    internal ReadOnlySpan<RpcControl> Controls => CollectionsMarshal.AsSpan(_controls);

    /// <summary>The message ids of all control messages, in order.</summary>
    internal ReadOnlySpan<RpcField> Ids => CollectionsMarshal.AsSpan(_ids);

    /// <summary>Checks the signature of every message that the router has not seen. The heavy half of receiving: about 0.2 ms a message.</summary>
    public void VerifySignatures()
    {
        foreach (ref var message in Messages)
        {
            if (message.State == RpcMessageState.Unchecked) MessageSignature.Verify(Body.Span, ref message);
        }
    }

    internal void Reset(ReadOnlyMemory<byte> body)
    {
        Body = body;
        HasControl = false;
        BadSubscriptions = 0;
        _subscriptions.Clear();
        _messages.Clear();
        _controls.Clear();
        _ids.Clear();
        if (_controls.Capacity > KeptEntries) _controls.Capacity = KeptEntries;
        if (_ids.Capacity > KeptEntries) _ids.Capacity = KeptEntries;
        if (_subscriptions.Capacity > KeptEntries) _subscriptions.Capacity = KeptEntries;
        if (_messages.Capacity > KeptEntries) _messages.Capacity = KeptEntries;
    }

    internal void Add(SubscriptionEntry entry) => _subscriptions.Add(entry);

    internal void Add(in RpcMessage message) => _messages.Add(message);

    internal void Add(in RpcControl control) => _controls.Add(control);

    internal void Add(RpcField id) => _ids.Add(id);
}

/// <summary>Where a field is inside an RPC's bytes; one at position 0 is absent, since a tag comes before every field.</summary>
internal readonly record struct RpcField(int Start, int Length)
{
    public bool IsPresent => Start > 0;

    public ReadOnlySpan<byte> In(ReadOnlySpan<byte> body) => body.Slice(Start, Length);
}

/// <summary>How far a message of an RPC has come.</summary>
internal enum RpcMessageState
{
    /// <summary>Read, not yet looked at.</summary>
    Read,

    /// <summary>New as far as the router knows; its signature is to be checked.</summary>
    Unchecked,

    /// <summary>The signature holds.</summary>
    Verified,

    /// <summary>Refused, or known already: nothing more to do.</summary>
    Done,

    /// <summary>The signature or its key does not hold; <see cref="RpcMessage.Refusal"/> says which.</summary>
    Failed,
}

/// <summary>One message of an RPC: its fields by position, and what became of it so far.</summary>
internal struct RpcMessage
{
    public RpcField Whole;
    public RpcField From;
    public RpcField Data;
    public RpcField SequenceNumber;
    public RpcField Topic;
    public RpcField Signature;
    public RpcField Key;

    /// <summary>The signature with its tag and length, which the signature does not cover.</summary>
    public RpcField SignatureField;

    /// <summary>The key with its tag and length, which the signature does not cover.</summary>
    public RpcField KeyField;

    public RpcMessageState State;
    public PubSubRefusal Refusal;
    public MessageOrigin? Origin;
    public MessageId Id;
    public string? TopicName;
}

/// <summary>One control message of an RPC, by position. Topic and ids are read when the router has a use for them.</summary>
internal struct RpcControl
{
    public GossipControlKind Kind;
    public RpcField Whole;
    public RpcField Topic;
    public int FirstId;
    public int IdCount;
}
