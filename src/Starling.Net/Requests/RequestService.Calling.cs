using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Starling.Net.Links;
using Starling.Net.Transport;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <content>Calling.</content>
public sealed partial class RequestService
{
    private const int MaxPooledCalls = 4096;

    private readonly ConcurrentDictionary<IPeerLink, PeerRequests> _peers = new(ReferenceEqualityComparer.Instance);
    private readonly CallPool _calls;
    private readonly ITimer _sweep;
    private int _waiting;

    /// <summary>Calls a handler on a linked peer and waits for its answer.</summary>
    /// <param name="peer">Who is to answer. There must be a link.</param>
    /// <param name="name">The handler's name there.</param>
    /// <param name="payload">Sent as it is. Not to be changed until the call has ended.</param>
    /// <param name="timeout">For how long to wait; the peer is told, so that it stops working for nobody. Null takes <see cref="RequestServiceOptions.Timeout"/>; <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</param>
    /// <param name="cancellationToken">Gives the call up: the handler's token fires over there, and the stream serves on.</param>
    /// <returns>The reply; the caller's to keep. Await it once.</returns>
    /// <exception cref="RequestException">There is no answer; <see cref="RequestException.Failure"/> says why.</exception>
    /// <exception cref="OperationCanceledException">The token fired first.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReadOnlyMemory<byte>> RequestAsync(PeerId peer, string name, ReadOnlyMemory<byte> payload, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var deadline = DeadlineOf(timeout ?? Options.Timeout);
        var calls = CallsTo(peer);
        CheckSize(payload.Length);
        var started = Metrics.CallsAreTimed ? Clock.GetTimestamp() : 0;
        var activity = RequestTracing.StartClient(name, peer);
        var failure = RequestFailure.None;
        var hasTurn = false;
        try
        {
            hasTurn = calls.Turns.Wait(0, CancellationToken.None);
            if (!hasTurn) await WithinAsync(cancelled => WaitForTurnAsync(calls.Turns, cancelled), peer, deadline, cancellationToken);
            hasTurn = true;
            var call = _calls.Take();
            RequestLane lane;
            while (true)
            {
                lane = calls.LaneFor(name) ?? throw new RequestException(RequestFailure.LinkLost, $"The link to {peer} has ended.");
                var start = TryStart(lane, call, name, payload, deadline, activity, cancellationToken);
                if (start == RequestLane.Start.Started) break;
                if (start == RequestLane.Start.NoRoom) await WaitForRoomAsync(lane, peer, deadline, cancellationToken);
            }

            call.Watch();
            lane.Kick();
            return await call.Answer;
        }
        catch (RequestException error)
        {
            failure = error.Failure;
            throw;
        }
        catch (OperationCanceledException)
        {
            failure = RequestFailure.Cancelled;
            throw;
        }
        finally
        {
            if (hasTurn) calls.Turns.Release();
            RequestTracing.End(activity, failure);
            activity?.Dispose();
            if (started != 0) Metrics.Called(failure, Clock.GetElapsedTime(started));
        }
    }

    private RequestLane.Start TryStart(RequestLane lane, PendingCall call, string name, ReadOnlyMemory<byte> payload, Instant deadline, Activity? activity, CancellationToken cancellationToken)
    {
        Span<byte> trace = stackalloc byte[RequestLimits.TraceParentBytes];
        var frame = new RequestFrame
        {
            Kind = RequestFrameKind.Call,
            TimeoutMilliseconds = MillisecondsUntil(deadline),
            TraceParent = trace[..RequestTracing.Write(activity, trace)],
            Payload = payload.Span,
        };
        return lane.TryStart(call, frame, name, deadline, cancellationToken);
    }

    private async Task WaitForTurnAsync(SemaphoreSlim turns, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > Options.MaxWaitingCalls)
        {
            Interlocked.Decrement(ref _waiting);
            throw new RequestException(RequestFailure.Busy, $"{Options.MaxWaitingCalls} calls wait for their turn, the most that is allowed (Requests:MaxWaitingCalls).");
        }

        try
        {
            await turns.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private void CheckSize(int bytes)
    {
        if (bytes > Options.MaxPayloadBytes) throw new RequestException(RequestFailure.TooLarge, $"The request has {bytes} bytes; at most {Options.MaxPayloadBytes} are allowed (Requests:MaxPayloadBytes).");
    }

    private ValueTask WaitForRoomAsync(RequestLane lane, PeerId peer, Instant deadline, CancellationToken cancellationToken) =>
        WithinAsync(lane.WaitForRoomAsync, peer, deadline, cancellationToken);

    /// <summary>Waits for something before the call is under way, with the call's own deadline.</summary>
    private async ValueTask WithinAsync(Func<CancellationToken, Task> wait, PeerId peer, Instant deadline, CancellationToken cancellationToken)
    {
        var left = deadline == Instant.Never ? Timeout.InfiniteTimeSpan : deadline - Clock.Now();
        if (left < TimeSpan.Zero && deadline != Instant.Never) left = TimeSpan.Zero;
        using var until = new Deadline(left, Clock, cancellationToken);
        try
        {
            await wait(until.Token);
        }
        catch (OperationCanceledException over) when (until.IsOver)
        {
            throw new RequestException(RequestFailure.Timeout, $"The request to {peer} could not be sent in time: earlier ones are still waiting for their answers.", over);
        }
        catch (OperationCanceledException cancelled)
        {
            throw new OperationCanceledException("The request was cancelled.", cancelled, cancellationToken);
        }
    }

    private PeerRequests CallsTo(PeerId peer)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        var link = _host.Find(peer) ?? throw new RequestException(RequestFailure.NotLinked, $"There is no link to {peer}; connect to it first.");
        if (_peers.TryGetValue(link, out var known)) return known;
        var calls = _peers.GetOrAdd(link, static (link, service) => new PeerRequests(link, service), this);
        _tasks.Run(() => ForgetAsync(calls));
        return calls;
    }

    private async Task ForgetAsync(PeerRequests calls)
    {
        await ((Task)calls.Link.Connection.Closed).WaitAsync(_stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _peers.TryRemove(calls.Link, out _);
        await calls.EndAsync();
    }

    private Instant DeadlineOf(TimeSpan timeout)
    {
        if (timeout == Timeout.InfiniteTimeSpan) return Instant.Never;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        return Clock.Now() + timeout;
    }

    private ulong MillisecondsUntil(Instant deadline)
    {
        if (deadline == Instant.Never) return 0;
        return (ulong)Math.Max(1, Math.Ceiling((deadline - Clock.Now()).TotalMilliseconds));
    }

    private void Sweep()
    {
        var since = Clock.Now() - Options.IdleTimeout;
        foreach (var peer in _peers.Values) _tasks.Run(() => peer.RetireIdleAsync(since));
    }
}
