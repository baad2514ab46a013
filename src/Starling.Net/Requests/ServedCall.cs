using System.Buffers;
using System.Diagnostics;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>One call while its handler runs.</summary>
internal sealed class ServedCall : IThreadPoolWorkItem
{
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromDays(1);
    private readonly ServedStream _stream;
    private readonly RequestRegistration _handler;
    private readonly CancellationTokenSource _cancelled;
    private readonly byte[] _payload;
    private readonly TimeSpan? _timeout;
    private readonly ActivityContext _parent;
    private readonly TimeProvider _clock;
    private volatile bool _unwanted;

    public ServedCall(ServedStream stream, RequestRegistration handler, in RequestFrame frame, TimeProvider clock)
    {
        (_stream, _handler, _clock, Id, IsStreaming) = (stream, handler, clock, frame.Id, frame.Streaming);
        Length = frame.Payload.Length;
        _payload = Length == 0 ? [] : ArrayPool<byte>.Shared.Rent(Length);
        frame.Payload.CopyTo(_payload);
        _timeout = TimeoutOf(frame);
        _cancelled = _timeout is { } timeout ? new CancellationTokenSource(timeout, clock) : new CancellationTokenSource();
        _parent = RequestTracing.Parse(frame.TraceParent);
    }

    public ulong Id { get; }

    /// <summary>Bytes of the payload.</summary>
    public int Length { get; }

    /// <summary>Whether the caller takes a streamed answer.</summary>
    public bool IsStreaming { get; }

    /// <summary>Tells the handler that its answer is not wanted any more. Its code runs on the pool.</summary>
    public void Cancel()
    {
        _unwanted = true;
        _ = _cancelled.CancelAsync();
    }

    public void Execute() => _ = RunAsync();

    private static TimeSpan? TimeoutOf(in RequestFrame frame)
    {
        if (frame.TimeoutMilliseconds == 0) return null;
        return frame.TimeoutMilliseconds < LongestTimeout.TotalMilliseconds ? TimeSpan.FromMilliseconds(frame.TimeoutMilliseconds) : LongestTimeout;
    }

    private async Task RunAsync()
    {
        var started = _clock.GetTimestamp();
        using var activity = RequestTracing.StartServer(_handler.Name, _parent);
        var failure = RequestFailure.None;
        try
        {
            using var removed = _handler.Removed.UnsafeRegister(static call => ((ServedCall)call!).Cancel(), this);
            failure = await ServeAsync();
        }
        catch (Exception error)
        {
            failure = Refuse(error);
        }

        // The source is not disposed, because a cancellation may be under way on another thread; only its timer is stopped.
        _cancelled.CancelAfter(Timeout.InfiniteTimeSpan);
        if (Length > 0) ArrayPool<byte>.Shared.Return(_payload);
        RequestTracing.End(activity, failure);
        _stream.Done(this, _handler, failure, _clock.GetElapsedTime(started));
    }

    private async ValueTask<RequestFailure> ServeAsync()
    {
        var token = _cancelled.Token;
        var request = new RequestContext(_stream.Peer, _handler.Name, _payload.AsMemory(0, Length), _timeout);
        if (_handler.Unary is { } unary)
        {
            var reply = await unary(request, token);
            token.ThrowIfCancellationRequested();
            return await _stream.ReplyAsync(Id, reply);
        }

        if (!IsStreaming) throw new RequestException(RequestFailure.Refused, $"{_handler.Name} streams its answer; ask for a stream.");
        await foreach (var item in _handler.Streaming!(request, token).WithCancellation(token))
        {
            if (!await _stream.SendItemAsync(Id, item, token)) return RequestFailure.TooLarge;
        }

        token.ThrowIfCancellationRequested();
        _stream.End(Id);
        return RequestFailure.None;
    }

    /// <summary>Answers with an error, which says no more than the handler meant to say.</summary>
    private RequestFailure Refuse(Exception error)
    {
        var (failure, message) = error switch
        {
            RequestException { Failure: > RequestFailure.None and < RequestFailure.LinkLost } chosen => (chosen.Failure, chosen.Message),
            OperationCanceledException when _cancelled.IsCancellationRequested && !_unwanted => (RequestFailure.Timeout, "The deadline passed."),
            OperationCanceledException when _cancelled.IsCancellationRequested => (RequestFailure.Cancelled, "The request was given up."),
            _ => (RequestFailure.HandlerFailed, $"The handler of {_handler.Name} failed."),
        };
        if (failure == RequestFailure.HandlerFailed && error is not RequestException) _stream.Log.HandlerFailed(_handler.Name, _stream.Peer, error);
        _stream.Refuse(Id, failure, message);
        return failure;
    }
}
