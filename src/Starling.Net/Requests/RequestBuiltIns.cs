using System.Text.Json;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>The handlers that every node has, and the calls to them.</summary>
internal static class RequestBuiltIns
{
    /// <summary>Sends the payload back.</summary>
    public static RequestHandler Ping(int maxBytes) => (request, _) => request.Payload.Length <= maxBytes
        ? ValueTask.FromResult(request.Payload)
        : throw new RequestException(RequestFailure.TooLarge, $"A ping may carry {maxBytes} bytes.");

    /// <summary>Tells the status, as far as this caller may know it.</summary>
    public static RequestHandler Status(Func<PeerId, NodeStatus?> status) => (request, _) =>
    {
        var told = status(request.Peer) ?? throw new RequestException(RequestFailure.Refused, "The node does not tell its status.");
        return ValueTask.FromResult<ReadOnlyMemory<byte>>(JsonSerializer.SerializeToUtf8Bytes(told, NodeStatusJson.Default.NodeStatus));
    };

    public static NodeStatus ReadStatus(ReadOnlyMemory<byte> reply)
    {
        try
        {
            return JsonSerializer.Deserialize(reply.Span, NodeStatusJson.Default.NodeStatus) ?? throw new JsonException("It is null.");
        }
        catch (JsonException error)
        {
            throw new RequestException(RequestFailure.Malformed, $"The peer's status cannot be read: {error.Message}", error) { Reply = reply };
        }
    }
}
