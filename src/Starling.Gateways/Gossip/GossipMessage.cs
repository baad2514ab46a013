namespace Starling.Gateways.Gossip;

/// <summary>A message of the VoidPhone gossip API. Immutable.</summary>
public abstract record GossipMessage;

/// <summary>GOSSIP ANNOUNCE (500): a client hands over data to be spread.</summary>
/// <param name="Ttl">Hops that it may make; 0 sets no limit.</param>
/// <param name="DataType">What the data is.</param>
/// <param name="Data">Up to <see cref="GossipMessageCodec.MaxDataBytes"/> bytes.</param>
public sealed record GossipAnnounce(byte Ttl, ushort DataType, ReadOnlyMemory<byte> Data) : GossipMessage;

/// <summary>GOSSIP NOTIFY (501): a client wants to be told of data of a type.</summary>
/// <param name="DataType">The type.</param>
public sealed record GossipNotify(ushort DataType) : GossipMessage;

/// <summary>GOSSIP NOTIFICATION (502): the API hands data of a registered type to a client.</summary>
/// <param name="Id">What the client names it by in its verdict. Means nothing to any other client.</param>
/// <param name="DataType">What the data is.</param>
/// <param name="Data">Up to <see cref="GossipMessageCodec.MaxDataBytes"/> bytes.</param>
public sealed record GossipNotification(ushort Id, ushort DataType, ReadOnlyMemory<byte> Data) : GossipMessage;

/// <summary>GOSSIP VALIDATION (503): a client's verdict on a notification.</summary>
/// <param name="Id">Of the notification.</param>
/// <param name="IsValid">Whether it may spread.</param>
public sealed record GossipValidation(ushort Id, bool IsValid) : GossipMessage;

/// <summary>Why a client's connection was closed. Metric tags and log texts are these names.</summary>
public enum GossipCloseReason
{
    /// <summary>It is open.</summary>
    None,

    /// <summary>The client has closed it.</summary>
    ClientClosed,

    /// <summary>The client has closed it in the middle of a message.</summary>
    Truncated,

    /// <summary>The connection broke.</summary>
    ConnectionLost,

    /// <summary>A header says a size below 4, or below 8 for an ANNOUNCE.</summary>
    TooShort,

    /// <summary>A header's size is not that of its message.</summary>
    WrongSize,

    /// <summary>A header says a type that the API does not have.</summary>
    UnknownType,

    /// <summary>The message is one that only the other side sends, such as a NOTIFICATION from a client.</summary>
    WrongDirection,

    /// <summary>All clients together are registered for as many types as may be.</summary>
    TooManyRegistrations,

    /// <summary>There are as many clients as may be.</summary>
    TooManyClients,

    /// <summary>The client has not read its notifications, and no more may wait for it.</summary>
    SlowReader,

    /// <summary>The API is stopping.</summary>
    Stopped,

    /// <summary>A fault of this program.</summary>
    Fault,
}
