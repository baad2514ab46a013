using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>A request was not answered. On the side that serves, a handler throws it to say why.</summary>
/// <remarks>The message of one that a handler throws travels to the caller, up to 1,024 bytes of it. Any other exception of a handler
/// reaches the caller as <see cref="RequestFailure.HandlerFailed"/> with no word of what happened inside.</remarks>
public sealed class RequestException : StarlingException
{
    /// <summary>Creates the error.</summary>
    /// <param name="failure">Why there is no answer.</param>
    /// <param name="message">A sentence for people.</param>
    /// <param name="inner">The cause on this side, which never travels.</param>
    public RequestException(RequestFailure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    /// <summary>A handler's own failure, with a message for the caller.</summary>
    public RequestException(string message)
        : this(RequestFailure.HandlerFailed, message)
    {
    }

    /// <summary>Why there is no answer.</summary>
    public RequestFailure Failure { get; }

    /// <summary>With <see cref="RequestFailure.Malformed"/> of a typed call: the reply that cannot be read as its type; else empty.</summary>
    public ReadOnlyMemory<byte> Reply { get; init; }
}
