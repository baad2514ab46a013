using System.Threading.Tasks.Sources;

namespace Starling.Net.Requests;

/// <summary>A call that waits for its answer in a lane. Whoever takes it out of the lane's table ends it; it is used again once its answer was fetched.</summary>
/// <remarks>A late timer or cancellation of an earlier use finds that its call is not in the table, or not over yet, and does nothing.</remarks>
internal sealed class PendingCall : IValueTaskSource<ReadOnlyMemory<byte>>, IThreadPoolWorkItem
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);
    private static readonly TimerCallback OnTimer = static call => ((PendingCall)call!).Lane?.TimeOut((PendingCall)call);
    private static readonly Action<object?> OnCancelled = static call => ((PendingCall)call!).Lane?.Cancel((PendingCall)call);
    private readonly TimeProvider _clock;
    private readonly CallPool _pool;
    private readonly ITimer _timer;
    private ManualResetValueTaskSourceCore<ReadOnlyMemory<byte>> _source;
    private CancellationTokenRegistration _cancelled;
    private bool _timed;
    private ReadOnlyMemory<byte> _reply;
    private Exception? _error;

    public PendingCall(TimeProvider clock, CallPool pool)
    {
        (_clock, _pool) = (clock, pool);
        _timer = clock.CreateTimer(OnTimer, this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Where it waits. This and the next three are set under the lane's lock, before it is in the table.</summary>
    public RequestLane? Lane { get; set; }

    public ulong Id { get; set; }

    public Instant Deadline { get; set; }

    public CancellationToken Token { get; set; }

    /// <summary>The answer, to be awaited once.</summary>
    public ValueTask<ReadOnlyMemory<byte>> Answer => new(this, _source.Version);

    /// <summary>Starts the clock and listens for cancellation, once the call is in its lane and before its answer is awaited.</summary>
    public void Watch()
    {
        if (Deadline != Instant.Never) Rest();
        if (Token.CanBeCanceled) _cancelled = Token.UnsafeRegister(OnCancelled, this);
    }

    /// <summary>Sets the timer to what is left of the time.</summary>
    public void Rest()
    {
        _timed = true;
        var left = Deadline - _clock.Now();
        _timer.Change(left <= TimeSpan.Zero ? TimeSpan.Zero : left < Longest ? left : Longest, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Decides the outcome, which <see cref="Execute"/> tells.</summary>
    public PendingCall With(ReadOnlySpan<byte> reply)
    {
        if (reply.IsEmpty) return this;
        var copy = GC.AllocateUninitializedArray<byte>(reply.Length);
        reply.CopyTo(copy);
        _reply = copy;
        return this;
    }

    /// <inheritdoc cref="With(ReadOnlySpan{byte})"/>
    public PendingCall With(Exception error)
    {
        _error = error;
        return this;
    }

    /// <summary>Tells the caller, whose code runs on this thread.</summary>
    public void Execute()
    {
        if (_error is { } error) _source.SetException(error);
        else _source.SetResult(_reply);
    }

    ReadOnlyMemory<byte> IValueTaskSource<ReadOnlyMemory<byte>>.GetResult(short token)
    {
        _cancelled.Unregister();
        if (_timed) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            _source.Reset();
            (_reply, _error, _timed, _cancelled) = (default, null, false, default);
            _pool.Give(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<ReadOnlyMemory<byte>>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<ReadOnlyMemory<byte>>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
