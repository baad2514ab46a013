namespace Starling.Protocols.Messages;

/// <summary>One message on the wire: what it is, whose it is, and its payload.</summary>
/// <remarks>The payload of a decoded envelope points into the bytes that were read; copy it to keep it longer than those.</remarks>
public readonly record struct MessageEnvelope
{
    /// <summary>The message's type by its name, 1 to <see cref="MessageCodec.MaxTypeBytes"/> bytes of UTF-8 without control characters.</summary>
    public required string Type { get; init; }

    /// <summary>What is asked or told, as its type counts. Default 0.</summary>
    public int Action { get; init; }

    /// <summary>The id that the origin drew.</summary>
    public MessageUid Id { get; init; }

    /// <summary>Who made the message, or null for the peer that sends it.</summary>
    public PeerId? Origin { get; init; }

    /// <summary>When it was made, by the origin's wall clock, milliseconds since 1970. Nobody verifies it.</summary>
    public long SentAt { get; init; }

    /// <summary>How the payload is compressed.</summary>
    public MessageCompression Compression { get; init; }

    /// <summary>The payload's length before it was compressed; 0 when it is not.</summary>
    public int InflatedLength { get; init; }

    /// <summary>How many nodes have handed the message on since its origin sent it.</summary>
    public int Hops { get; init; }

    /// <summary>Whether the sender waits for an answer (<see cref="MessageReply.Answer"/>) on the same stream.</summary>
    public bool WantsAnswer { get; init; }

    /// <summary>The payload, compressed if <see cref="Compression"/> says so.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }
}

/// <summary>How a payload is compressed.</summary>
public enum MessageCompression
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>Brotli (RFC 7932).</summary>
    Brotli = 1,

    /// <summary>zlib (RFC 1950).</summary>
    Zlib = 2,
}

/// <summary>Why a message was refused. A tag of metrics, and told to senders that wait for an answer.</summary>
public enum MessageRefusal
{
    /// <summary>It was not.</summary>
    None = 0,

    /// <summary>Its bytes are no envelope.</summary>
    Malformed = 1,

    /// <summary>It is, or would inflate to be, larger than the receiver takes.</summary>
    TooLarge = 2,

    /// <summary>It is compressed in a way that the receiver does not know.</summary>
    UnknownCompression = 3,

    /// <summary>Its payload does not inflate to the length that it declares.</summary>
    BadCompression = 4,

    /// <summary>It declares to inflate by more than <see cref="PayloadCompression.MaxExpansion"/> times, as compression bombs do.</summary>
    CompressionBomb = 5,

    /// <summary>It claims an origin that cannot be: none although handed on, or another than the sender although not handed on.</summary>
    WrongOrigin = 6,

    /// <summary>It was handed on more often than the receiver accepts.</summary>
    TooManyHops = 7,

    /// <summary>The receiver has not registered its type.</summary>
    UnknownType = 8,

    /// <summary>Its type has no such action.</summary>
    UnknownAction = 9,

    /// <summary>Its payload cannot be read as its type.</summary>
    BadPayload = 10,

    /// <summary>The receiver has no room for it now.</summary>
    Busy = 11,

    /// <summary>Its bytes stopped coming.</summary>
    Stalled = 12,
}
