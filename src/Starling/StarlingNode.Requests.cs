using Starling.Net.Requests;

namespace Starling;

/// <content>Requests.</content>
public sealed partial class StarlingNode
{
    /// <summary>What the node's requests are built on: streamed replies, typed calls, serializers.</summary>
    public RequestService Requests => _parts.Requests;

    /// <summary>All that the node knows of its own state: name, serving, reconnecting, paired topics, round. It is told to nobody unless <see cref="Status"/> says so.</summary>
    /// <example><code>node.Status = _ => node.PresentStatus;</code></example>
    public NodeStatus PresentStatus => new()
    {
        Name = _options.DisplayName,
        Serving = State == NodeState.Running,
        Reconnecting = _parts.Manager.IsReconnecting,
        PairedTopics = [.. _parts.Topics.PairedTopics.Select(topic => topic.Name).Distinct(StringComparer.Ordinal)],
        Round = Application?.Round,
    };

    /// <summary>What this node tells to a peer that asks for its status; null refuses. Default: its display name, and that it serves.</summary>
    /// <example><code>node.Status = peer => friends.Contains(peer) ? new NodeStatus { Serving = true, PairedTopics = ["news"] } : null;</code></example>
    public Func<PeerId, NodeStatus?> Status
    {
        get => _parts.Requests.Status;
        set => _parts.Requests.Status = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <inheritdoc cref="RequestService.Handle(string, RequestHandler)"/>
    public IDisposable HandleRequest(string name, RequestHandler handler) => _parts.Requests.Handle(name, handler);

    /// <inheritdoc cref="RequestService.Handle{TRequest, TReply}(string, Func{TRequest, RequestContext, CancellationToken, ValueTask{TReply}}, IPayloadSerializer?)"/>
    public IDisposable HandleRequest<TRequest, TReply>(string name, Func<TRequest, RequestContext, CancellationToken, ValueTask<TReply>> handler, IPayloadSerializer? serializer = null) =>
        _parts.Requests.Handle(name, handler, serializer);

    /// <inheritdoc cref="RequestService.RequestAsync(PeerId, string, ReadOnlyMemory{byte}, TimeSpan?, CancellationToken)"/>
    public ValueTask<ReadOnlyMemory<byte>> RequestAsync(PeerId peer, string name, ReadOnlyMemory<byte> payload = default, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _parts.Requests.RequestAsync(peer, name, payload, timeout, cancellationToken);

    /// <inheritdoc cref="RequestService.RequestAsync{TRequest, TReply}(PeerId, string, TRequest, TimeSpan?, IPayloadSerializer?, CancellationToken)"/>
    public ValueTask<TReply?> RequestAsync<TRequest, TReply>(PeerId peer, string name, TRequest request, TimeSpan? timeout = null, IPayloadSerializer? serializer = null, CancellationToken cancellationToken = default) =>
        _parts.Requests.RequestAsync<TRequest, TReply>(peer, name, request, timeout, serializer, cancellationToken);

    /// <summary>Measures the round trip of a payload to a linked Starling node and back, through its handler.</summary>
    /// <inheritdoc cref="RequestService.PingAsync"/>
    public Task<TimeSpan> PingWithPayloadAsync(PeerId peer, int payloadSize, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _parts.Requests.PingAsync(peer, payloadSize, _parts.Random, timeout, cancellationToken);

    /// <inheritdoc cref="RequestService.StatusAsync"/>
    public Task<NodeStatus> StatusAsync(PeerId peer, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _parts.Requests.StatusAsync(peer, timeout, cancellationToken);
}
