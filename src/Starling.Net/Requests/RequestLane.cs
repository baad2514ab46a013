using System.Text;
using Starling.Net.Links;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>One stream to a peer that carries calls of one handler, any number at a time, each answered when its handler is done.</summary>
internal sealed class RequestLane : FrameLoop, IDisposable
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromMilliseconds(500);
    private readonly IPeerLink _link;
    private readonly TimeProvider _clock;
    private readonly Action<RequestLane> _onEnd;
    private readonly Lock _gate = new();
    private readonly CallTable<PendingCall> _calls = new();
    private readonly FrameSender _sender;
    private readonly CancellationTokenSource _retired = new();
    private string _named = "";
    private Instant _lastUsed;
    private IStream? _stream;
    private bool _ended;

    public RequestLane(IPeerLink link, RequestServiceOptions options, RequestLimits limits, ResourceBudget budget, TimeProvider clock, Action<RequestLane> onEnd)
        : base(limits, budget)
    {
        (_link, _clock, _onEnd) = (link, clock, onEnd);
        _lastUsed = clock.Now();
        _sender = new FrameSender(options.MaxQueuedBytes, _ => Volatile.Read(ref _stream)?.Reset());
    }

    /// <summary>What became of an attempt to start a call.</summary>
    public enum Start
    {
        /// <summary>It waits for its answer.</summary>
        Started,

        /// <summary>There is no room to send it: wait with <see cref="WaitForRoomAsync"/> and try again.</summary>
        NoRoom,

        /// <summary>The lane has ended; take another.</summary>
        Ended,
    }

    /// <summary>Calls under way.</summary>
    public int Count
    {
        get { lock (_gate) return _calls.Count; }
    }

    /// <summary>Whether calls are to take another lane.</summary>
    public bool HasEnded => Volatile.Read(ref _ended);

    /// <summary>Opens the stream and reads until it ends. Then every call that still waits has failed.</summary>
    public async Task RunAsync()
    {
        Exception? why = null;
        try
        {
            var stream = await _link.OpenStreamAsync(RequestService.Protocols, _retired.Token);
            stream.Priority = StreamPriority.High;
            Volatile.Write(ref _stream, stream);
            _sender.Attach(stream);
            await ReadAsync(stream, _retired.Token);
        }
        catch (Exception error)
        {
            why = error;
        }

        _sender.End();
        Fail(RequestErrors.OfStream(_link, why));
        await CloseAsync(why);
        _onEnd(this);
    }

    /// <summary>Puts a call into the lane. <see cref="Kick"/> sends it.</summary>
    public Start TryStart(PendingCall call, in RequestFrame frame, string name, Instant deadline, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_ended) return Start.Ended;
            (call.Lane, call.Deadline, call.Token) = (this, deadline, cancellationToken);
            call.Id = _calls.Add(call);
            var numbered = new RequestFrame
            {
                Id = call.Id,
                Kind = frame.Kind,
                Name = name == _named ? default : Encoding.UTF8.GetBytes(name),
                TimeoutMilliseconds = frame.TimeoutMilliseconds,
                TraceParent = frame.TraceParent,
                Payload = frame.Payload,
            };
            if (!_sender.TryAdd(numbered))
            {
                _calls.TryTake(call.Id, out _);
                return Start.NoRoom;
            }

            _named = name;
            return Start.Started;
        }
    }

    public void Kick() => _sender.Kick();

    public Task WaitForRoomAsync(CancellationToken cancellationToken) => _sender.WaitAsync(cancellationToken);

    /// <summary>The call's timer went off.</summary>
    public void TimeOut(PendingCall call)
    {
        lock (_gate)
        {
            if (!_calls.Holds(call.Id, call)) return;
            if (call.Deadline > _clock.Now())
            {
                call.Rest();
                return;
            }

            TakeOut(call);
        }

        GaveUp(call, new RequestException(RequestFailure.Timeout, $"{_link.Peer} did not answer in time."));
    }

    /// <summary>The call's token fired.</summary>
    public void Cancel(PendingCall call)
    {
        lock (_gate)
        {
            if (!_calls.Holds(call.Id, call) || !call.Token.IsCancellationRequested) return;
            TakeOut(call);
        }

        GaveUp(call, new OperationCanceledException("The request was cancelled.", call.Token));
    }

    /// <summary>Ends the lane if nothing was called on it since then.</summary>
    public void RetireIfIdle(Instant since)
    {
        lock (_gate)
        {
            if (_ended || _calls.Count > 0 || _lastUsed > since) return;
            _ended = true;
        }

        Dispose();
    }

    /// <summary>Ends the lane; calls that still wait fail.</summary>
    public void Dispose() => _retired.Cancel();

    protected override void OnFrame(in RequestFrame frame)
    {
        if (Take(frame) is not { } call) return;
        RunBeside(frame.Kind switch
        {
            RequestFrameKind.Reply => call.With(frame.Payload),
            RequestFrameKind.Error => call.With(RequestErrors.OfFrame(_link.Peer, frame)),
            _ => call.With(new RequestException(RequestFailure.Malformed, $"{_link.Peer} streams its answer; ask for a stream.")),
        });
    }

    protected override void OnPassedOver(in RequestFrame frame, bool noMemory)
    {
        if (Take(frame) is not { } call) return;
        RunBeside(call.With(noMemory
            ? new RequestException(RequestFailure.Busy, $"The answer of {_link.Peer} was dropped: this node's queue budget is used up.")
            : new RequestException(RequestFailure.TooLarge, $"The answer of {_link.Peer} is larger than this node accepts (Requests:MaxPayloadBytes).")));
    }

    private PendingCall? Take(in RequestFrame frame)
    {
        if (frame.Kind is RequestFrameKind.Call or RequestFrameKind.Cancel) throw new ProtocolViolationException("The peer sent a caller's frame to the caller.");
        lock (_gate)
        {
            if (!_calls.WasMade(frame.Id)) throw new ProtocolViolationException($"The peer answered call {frame.Id}, which was never made.");
            _calls.TryTake(frame.Id, out var call);
            if (_calls.Count == 0) _lastUsed = _clock.Now();
            return call;
        }
    }

    private void TakeOut(PendingCall call)
    {
        _calls.TryTake(call.Id, out _);
        _lastUsed = _clock.Now();
        _sender.TryAdd(new RequestFrame { Id = call.Id, Kind = RequestFrameKind.Cancel }, urgent: true);
    }

    private void GaveUp(PendingCall call, Exception error)
    {
        ThreadPool.UnsafeQueueUserWorkItem(call.With(error), preferLocal: false);
        Kick();
    }

    private void Fail(Func<Exception> error)
    {
        IReadOnlyList<PendingCall> lost;
        lock (_gate)
        {
            _ended = true;
            lost = _calls.TakeAll();
        }

        foreach (var call in lost) ThreadPool.UnsafeQueueUserWorkItem(call.With(error()), preferLocal: false);
    }

    private async Task CloseAsync(Exception? why)
    {
        if (_stream is not { } stream) return;
        try
        {
            // A peer that has not agreed to the protocol yet is not waited for: it may never answer.
            using var time = new CancellationTokenSource(CloseTimeout, _clock);
            if (why is null or OperationCanceledException) await stream.CloseWriteAsync(time.Token);
        }
        catch (Exception error) when (error is StarlingException or InvalidOperationException or OperationCanceledException or IOException or TimeoutException)
        {
            stream.Reset();
        }

        await stream.DisposeAsync();
    }
}
