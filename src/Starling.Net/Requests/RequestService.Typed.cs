using System.Buffers;
using System.Runtime.CompilerServices;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <content>Values instead of bytes, and what every node serves.</content>
public sealed partial class RequestService
{
    /// <summary>Answers requests of a name with values from now on.</summary>
    /// <remarks>A payload that is no <typeparamref name="TRequest"/>, null included, is answered <see cref="RequestFailure.Malformed"/>; the handler does not see it.</remarks>
    /// <param name="name">The name that callers use; case counts.</param>
    /// <param name="handler">Called for each request, concurrently.</param>
    /// <param name="serializer">Null takes <see cref="Serializer"/> at the time of each call.</param>
    /// <inheritdoc cref="Handle(string, RequestHandler)"/>
    public IDisposable Handle<TRequest, TReply>(string name, Func<TRequest, RequestContext, CancellationToken, ValueTask<TReply>> handler, IPayloadSerializer? serializer = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Handle(name, async (request, cancelled) =>
        {
            var codec = serializer ?? Serializer;
            return Write(codec, await handler(Read<TRequest>(codec, request), request, cancelled));
        });
    }

    /// <summary>Answers requests of a name with a sequence of values from now on.</summary>
    /// <inheritdoc cref="Handle{TRequest, TReply}(string, Func{TRequest, RequestContext, CancellationToken, ValueTask{TReply}}, IPayloadSerializer?)"/>
    public IDisposable HandleStream<TRequest, TItem>(string name, Func<TRequest, RequestContext, CancellationToken, IAsyncEnumerable<TItem>> handler, IPayloadSerializer? serializer = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return HandleStream(name, (request, cancelled) =>
        {
            var codec = serializer ?? Serializer;
            return WriteAll(codec, handler(Read<TRequest>(codec, request), request, cancelled), cancelled);
        });
    }

    /// <summary>Calls a handler on a linked peer with a value and waits for the value that it answers.</summary>
    /// <param name="peer">Who is to answer. There must be a link.</param>
    /// <param name="name">The handler's name there.</param>
    /// <param name="request">Written before this returns.</param>
    /// <param name="timeout">For how long to wait. Null takes <see cref="RequestServiceOptions.Timeout"/>; <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</param>
    /// <param name="serializer">Null takes <see cref="Serializer"/>.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <exception cref="PayloadException">The request cannot be written.</exception>
    /// <exception cref="RequestException">There is no answer, or it is no <typeparamref name="TReply"/>: then <see cref="RequestException.Reply"/> has the bytes.</exception>
    /// <exception cref="OperationCanceledException">The token fired first.</exception>
    public async ValueTask<TReply?> RequestAsync<TRequest, TReply>(
        PeerId peer, string name, TRequest request, TimeSpan? timeout = null, IPayloadSerializer? serializer = null, CancellationToken cancellationToken = default)
    {
        var codec = serializer ?? Serializer;
        return Read<TReply>(codec, peer, await RequestAsync(peer, name, Write(codec, request), timeout, cancellationToken));
    }

    /// <summary>Calls a handler on a linked peer with a value and reads the values that it answers, as they come.</summary>
    /// <inheritdoc cref="StreamAsync(PeerId, string, ReadOnlyMemory{byte}, TimeSpan?, CancellationToken)"/>
    public async IAsyncEnumerable<TItem?> StreamAsync<TRequest, TItem>(
        PeerId peer, string name, TRequest request, TimeSpan? timeout = null, IPayloadSerializer? serializer = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var codec = serializer ?? Serializer;
        await foreach (var item in StreamAsync(peer, name, Write(codec, request), timeout, cancellationToken)) yield return Read<TItem>(codec, peer, item);
    }

    /// <summary>Measures the round trip of a payload to a linked peer and back, with everything that a request passes through.</summary>
    /// <param name="peer">Who is to answer.</param>
    /// <param name="payloadSize">Bytes each way, random ones; up to <see cref="RequestServiceOptions.MaxPingBytes"/> of both nodes, 64 KiB by default.</param>
    /// <param name="random">Where the bytes come from.</param>
    /// <param name="timeout">For how long to wait; null takes <see cref="RequestServiceOptions.Timeout"/>.</param>
    /// <param name="cancellationToken">Gives the ping up.</param>
    /// <exception cref="RequestException">There is no answer, or other bytes came back.</exception>
    public async Task<TimeSpan> PingAsync(PeerId peer, int payloadSize, RandomSource random, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfNegative(payloadSize);
        if (payloadSize > Options.MaxPingBytes) throw new RequestException(RequestFailure.TooLarge, $"A ping may carry {Options.MaxPingBytes} bytes, not {payloadSize} (Requests:MaxPingBytes).");
        var sent = new byte[payloadSize];
        random.Fill(sent);
        var started = Clock.GetTimestamp();
        var echo = await RequestAsync(peer, PingName, sent, timeout, cancellationToken);
        var time = Clock.GetElapsedTime(started);
        if (!echo.Span.SequenceEqual(sent)) throw new RequestException(RequestFailure.Malformed, $"{peer} sent other bytes back than it was sent.") { Reply = echo };
        return time;
    }

    /// <summary>Asks a linked peer what it tells of itself.</summary>
    /// <exception cref="RequestException">There is no answer, or the peer does not tell (<see cref="RequestFailure.Refused"/>).</exception>
    public async Task<NodeStatus> StatusAsync(PeerId peer, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        RequestBuiltIns.ReadStatus(await RequestAsync(peer, StatusName, default, timeout, cancellationToken));

    private static ReadOnlyMemory<byte> Write<T>(IPayloadSerializer codec, T value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        codec.Serialize(value, buffer);
        return buffer.WrittenMemory;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> WriteAll<T>(IPayloadSerializer codec, IAsyncEnumerable<T> values, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var value in values.WithCancellation(cancellationToken)) yield return Write(codec, value);
    }

    private static T Read<T>(IPayloadSerializer codec, RequestContext request)
    {
        try
        {
            return codec.Deserialize<T>(request.Payload.Span) is { } value
                ? value
                : throw new RequestException(RequestFailure.Malformed, $"{request.Name} takes no null.");
        }
        catch (PayloadException error)
        {
            throw new RequestException(RequestFailure.Malformed, $"{request.Name} cannot read the {request.Payload.Length} bytes that it was sent.", error);
        }
    }

    private static T? Read<T>(IPayloadSerializer codec, PeerId peer, ReadOnlyMemory<byte> reply)
    {
        try
        {
            return codec.Deserialize<T>(reply.Span);
        }
        catch (PayloadException error)
        {
            throw new RequestException(RequestFailure.Malformed, $"{peer} answered with something else than a {typeof(T).Name}: {error.Message}", error) { Reply = reply };
        }
    }
}
