namespace Starling.Protocols.Requests;

/// <summary>Why a request was not answered. The numbers travel on the wire, apart from those that only the caller's own side can find out.</summary>
public enum RequestFailure
{
    /// <summary>It was answered.</summary>
    None = 0,

    /// <summary>The peer has no handler of this name, or serves no requests at all.</summary>
    NoHandler = 1,

    /// <summary>The handler failed; the message is what it chose to say.</summary>
    HandlerFailed = 2,

    /// <summary>The deadline passed first.</summary>
    Timeout = 3,

    /// <summary>The side that serves gave the request up, for example because it is stopping.</summary>
    Cancelled = 4,

    /// <summary>The request or its reply is larger than one side accepts.</summary>
    TooLarge = 5,

    /// <summary>Too many requests are being served, or wait to be sent.</summary>
    Busy = 6,

    /// <summary>The handler does not serve this caller.</summary>
    Refused = 7,

    /// <summary>The payload is not what the handler, or the caller of the reply, can read; or a peer broke the protocol.</summary>
    Malformed = 8,

    /// <summary>The link or the stream ended before the answer. Whether the request was served is unknown. Never on the wire.</summary>
    LinkLost = 100,

    /// <summary>There is no link to the peer; nothing was sent. Never on the wire.</summary>
    NotLinked = 101,
}
