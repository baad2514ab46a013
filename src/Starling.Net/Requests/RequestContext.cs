namespace Starling.Net.Requests;

/// <summary>One request as its handler sees it.</summary>
/// <param name="Peer">Who asks; proved by the link.</param>
/// <param name="Name">The name under which the handler is registered.</param>
/// <param name="Payload">The bytes that were sent. Valid until the handler has ended; copy them to keep them.</param>
/// <param name="Timeout">For how long the caller said it waits, counted from the request's arrival, or null. The handler's token fires when it is over.</param>
public readonly record struct RequestContext(PeerId Peer, string Name, ReadOnlyMemory<byte> Payload, TimeSpan? Timeout);

/// <summary>Answers a request with bytes.</summary>
/// <remarks>Runs concurrently with other calls. The reply is copied when the handler has ended; it may be the request's own payload, or part of it.</remarks>
/// <param name="request">The request.</param>
/// <param name="cancellationToken">Fires when the caller gave up, its deadline passed, its link ended, the handler was removed or the node stops.</param>
/// <returns>The reply.</returns>
/// <exception cref="RequestException">Thrown by the handler: its kind and message reach the caller. Any other exception is logged here, and the caller learns only that the handler failed.</exception>
public delegate ValueTask<ReadOnlyMemory<byte>> RequestHandler(RequestContext request, CancellationToken cancellationToken);

/// <summary>Answers a request with a sequence of items, each sent as soon as it is there.</summary>
/// <remarks>The next item is asked for when the one before was accepted for sending, so a slow caller slows the handler down. Each item is copied before the next is asked for.</remarks>
/// <inheritdoc cref="RequestHandler"/>
public delegate IAsyncEnumerable<ReadOnlyMemory<byte>> StreamingRequestHandler(RequestContext request, CancellationToken cancellationToken);
