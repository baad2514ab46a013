using Starling.Net.Requests;

namespace Starling;

/// <content>Requests.</content>
public sealed partial class StarlingNode
{
    /// <summary>What the node's requests are built on.</summary>
    public RequestService Requests => _parts.Requests;

    /// <inheritdoc cref="RequestService.Handle(string, RequestHandler)"/>
    public IDisposable HandleRequest(string name, RequestHandler handler) => _parts.Requests.Handle(name, handler);

    /// <inheritdoc cref="RequestService.RequestAsync(PeerId, string, ReadOnlyMemory{byte}, TimeSpan?, CancellationToken)"/>
    public ValueTask<ReadOnlyMemory<byte>> RequestAsync(PeerId peer, string name, ReadOnlyMemory<byte> payload = default, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _parts.Requests.RequestAsync(peer, name, payload, timeout, cancellationToken);
}
