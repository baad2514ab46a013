using System.Text;
using Starling.Net.Links;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>Says in one way what went wrong with a request.</summary>
internal static class RequestErrors
{
    /// <summary>The error that a peer sent. Control characters of its message are replaced.</summary>
    public static RequestException OfFrame(PeerId peer, in RequestFrame frame)
    {
        var said = string.Concat(Encoding.UTF8.GetString(frame.Message).Select(letter => char.IsControl(letter) ? ' ' : letter)).Trim();
        return new RequestException(frame.Failure, said.Length > 0 ? said : $"{peer} answered {frame.Failure}.");
    }

    /// <summary>Why a stream, and so every call on it, was lost. Each call gets an exception of its own.</summary>
    public static Func<Exception> OfStream(IPeerLink link, Exception? why) => why switch
    {
        ProtocolNotSupportedException => () => new RequestException(RequestFailure.NoHandler, $"{link.Peer} serves no requests.", why),
        ProtocolViolationException => () => new RequestException(RequestFailure.Malformed, $"{link.Peer} broke the request protocol: {why.Message}", why),
        ConnectionClosedException closed => () => new RequestException(RequestFailure.LinkLost, $"The link to {link.Peer} ended before the answer ({closed.Info}).", why),
        OperationCanceledException when link.Connection.Closed is { IsCompletedSuccessfully: true } closed => () => new RequestException(RequestFailure.LinkLost, $"The link to {link.Peer} ended before the answer ({closed.Result}).", why),
        OperationCanceledException => () => new RequestException(RequestFailure.Cancelled, "This node is stopping."),
        null => () => new RequestException(RequestFailure.LinkLost, $"{link.Peer} ended the stream before the answer."),
        _ => () => new RequestException(RequestFailure.LinkLost, $"The stream to {link.Peer} ended before the answer: {why.Message}", why),
    };
}
