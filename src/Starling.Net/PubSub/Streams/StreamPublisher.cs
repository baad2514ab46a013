using Starling.Protocols.Streams;

namespace Starling.Net.PubSub.Streams;

/// <summary>Publishes one stream topic. Messages are put into the present bundle under a small lock; one pump at a time sends bundles,
/// on the publisher's own thread when the topic was quiet, else on the pool while publishers go on filling the next one.</summary>
internal sealed class StreamPublisher : IReleaseObserver, IThreadPoolWorkItem
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMicroseconds(50);
    private readonly Lock _gate = new();
    private readonly StreamTopic _topic;
    private readonly StreamTopics _owner;
    private readonly BundleBuilder _builder;
    private readonly Queue<SealedBundle> _full = new();
    private readonly WallClock _wall;
    private readonly ITimer _markTimer;
    private TaskCompletionSource? _room;
    private WirePublish _last = new(PublishStatus.NoPeers);
    private long _fullBytes;
    private long _lastPublish;
    private int _outstanding;
    private bool _pumping;
    private bool _marking;
    private bool _stopped;

    public StreamPublisher(StreamTopic topic, StreamTopics owner)
    {
        (_topic, _owner) = (topic, owner);
        _wall = new WallClock(owner.Clock);
        _builder = new BundleBuilder(owner.Epoch);
        _markTimer = owner.Clock.CreateTimer(static publisher => ((StreamPublisher)publisher!).Mark(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public ValueTask<PublishResult> PublishAsync(ReadOnlyMemory<byte> data, PublishOptions? options, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<PublishResult>(cancellationToken);
        if (TryPublish(data.Span, out var result) || options is { Wait: false }) return new ValueTask<PublishResult>(result);
        return WaitAsync(data, options?.Timeout ?? _owner.PublishTimeout, cancellationToken);
    }

    /// <summary>Publishes without waiting; false when there is no room now.</summary>
    public bool TryPublish(ReadOnlySpan<byte> data, out PublishResult result)
    {
        result = default;
        if (BundleBuilder.SizeOf(data.Length) > _topic.MaxData)
        {
            result = new PublishResult(PublishStatus.TooLarge);
            return true;
        }

        bool isQuiet, begins;
        lock (_gate)
        {
            if (_stopped)
            {
                result = new PublishResult(PublishStatus.Rejected);
                return true;
            }

            if (!HasRoom(data.Length))
            {
                result = new PublishResult(PublishStatus.Backpressured, 0, Math.Max(1, _last.Recipients));
                return false;
            }

            var now = _owner.Clock.GetTimestamp();
            if (!_builder.Fits(data.Length)) SetFull();
            _builder.Add(data, _wall.At(now));
            isQuiet = _owner.Clock.GetElapsedTime(_lastPublish, now) > Quiet;
            _lastPublish = now;
            begins = TryBeginPump();
            result = ResultOf(_last);
        }

        if (begins && isQuiet) result = PumpOnce();
        else if (begins) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        if (result.Status == PublishStatus.NoPeers && _owner.Wire.Followers(_topic.Topic.Wire) is { Count: > 0 } followers) result = new PublishResult(PublishStatus.Sent, followers.Count);
        return true;
    }

    /// <summary>Completes when nothing waits to be sent any more.</summary>
    public async Task FlushAsync()
    {
        while (true)
        {
            Task room;
            lock (_gate)
            {
                if (_stopped || (_full.Count == 0 && _builder.Count == 0 && !_pumping)) return;
                room = (_room ??= NewSignal()).Task;
            }

            await room.ConfigureAwait(false);
        }
    }

    /// <summary>Nothing is sent any more; what waits is dropped.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            while (_full.TryDequeue(out var bundle)) bundle.Dispose();
            if (_builder.Count > 0) _builder.Seal().Dispose();
            _fullBytes = 0;
            Progress();
        }

        _markTimer.Dispose();
    }

    void IReleaseObserver.Released()
    {
        lock (_gate)
        {
            _outstanding--;
            if (!TryBeginPump()) return;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute() => Pump();

    private bool HasRoom(int size) => (_fullBytes == 0 && _builder.Count == 0) || _fullBytes + _builder.Size + size <= _owner.Options.MaxWaitingBytes;

    private bool IsDue => _full.Count > 0 ? _outstanding < BundleBuilder.MaxOutstanding : _builder.IsDue(_outstanding, _builder.IsFull);

    private void SetFull()
    {
        var bundle = _builder.Seal();
        _fullBytes += bundle.Bytes.Length;
        _full.Enqueue(bundle);
    }

    private bool TryBeginPump()
    {
        if (_pumping || _stopped || !IsDue) return false;
        _pumping = true;
        return true;
    }

    /// <summary>Sends one bundle on the publisher's thread; what piled up meanwhile goes on from the pool.</summary>
    private PublishResult PumpOnce()
    {
        if (TakeDue() is not { } bundle) return ResultOf(_last);
        var room = _owner.Wire.RoomAsync(_topic.Topic.Wire, bundle.Bytes.Length);
        if (room is not null)
        {
            _owner.Tasks.Run(() => SendWhenRoomAsync(bundle, room));
            return ResultOf(_last);
        }

        var sent = Send(bundle, waited: true);
        lock (_gate)
        {
            // A publisher that comes straight back is not quiet, however long the sending took.
            _lastPublish = _owner.Clock.GetTimestamp();
            _pumping = false;
            Progress();
            if (!TryBeginPump()) return ResultOf(sent);
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return ResultOf(sent);
    }

    private void Pump()
    {
        while (TakeDue() is { } bundle)
        {
            if (_owner.Wire.RoomAsync(_topic.Topic.Wire, bundle.Bytes.Length) is { } room)
            {
                _owner.Tasks.Run(() => SendWhenRoomAsync(bundle, room));
                return;
            }

            Send(bundle, waited: true);
        }
    }

    /// <summary>Waits for the neighbours' queues, for as long as a publish may take, and goes on; who then has no room recovers the bundle from a log.</summary>
    private async Task SendWhenRoomAsync(SealedBundle bundle, Task room)
    {
        var waited = true;
        var deadline = _owner.Clock.Now() + _owner.PublishTimeout;
        try
        {
            for (Task? next = room; next is not null; next = _owner.Wire.RoomAsync(_topic.Topic.Wire, bundle.Bytes.Length))
            {
                var left = deadline - _owner.Clock.Now();
                if (left <= TimeSpan.Zero) throw new TimeoutException();
                await next.WaitAsync(left, _owner.Clock, _owner.Stopping).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            waited = false;
        }

        Send(bundle, waited);
        Pump();
    }

    /// <summary>The next bundle to send; null ends the pump.</summary>
    private SealedBundle? TakeDue()
    {
        lock (_gate)
        {
            if (_stopped || !IsDue)
            {
                _pumping = false;
                Progress();
                return null;
            }

            if (_full.TryDequeue(out var bundle)) _fullBytes -= bundle.Bytes.Length;
            else bundle = _builder.Seal();
            _outstanding++;
            if (_fullBytes + _builder.Size <= _owner.Options.MaxWaitingBytes / 2) Progress();
            return bundle;
        }
    }

    private WirePublish Send(SealedBundle bundle, bool waited)
    {
        WirePublish sent;
        using (bundle) sent = _owner.Wire.Publish(_topic.Topic.Wire, bundle.Bytes, waited, this);
        if (sent.Message is { } message) _topic.LogOwn(message);
        lock (_gate)
        {
            _last = sent;
            if (!_marking && !_stopped && sent.Recipients > 0)
            {
                _marking = true;
                _markTimer.Change(_owner.Options.MarkDelay, Timeout.InfiniteTimeSpan);
            }
        }

        return sent;
    }

    /// <summary>The topic has been quiet: says which counter comes next, so that whoever lost the last messages learns it.</summary>
    private void Mark()
    {
        byte[] mark;
        lock (_gate)
        {
            if (_stopped) return;
            var quiet = _owner.Clock.GetElapsedTime(_lastPublish);
            if (quiet < _owner.Options.MarkDelay || _pumping || _builder.Count > 0 || _full.Count > 0)
            {
                _markTimer.Change(_owner.Options.MarkDelay, Timeout.InfiniteTimeSpan);
                return;
            }

            _marking = false;
            _outstanding++;
            mark = _builder.Mark(_wall.At(_owner.Clock.GetTimestamp()));
        }

        _owner.Wire.Publish(_topic.Topic.Wire, mark, waited: false, this);
    }

    private async ValueTask<PublishResult> WaitAsync(ReadOnlyMemory<byte> data, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var deadline = _owner.Clock.Now() + timeout;
        while (true)
        {
            Task room;
            lock (_gate) room = _stopped || HasRoom(data.Length) ? Task.CompletedTask : (_room ??= NewSignal()).Task;
            try
            {
                var left = deadline - _owner.Clock.Now();
                if (left <= TimeSpan.Zero) throw new TimeoutException();
                await room.WaitAsync(left, _owner.Clock, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                TryPublish(data.Span, out var late);
                return late;
            }

            if (TryPublish(data.Span, out var result)) return result;
        }
    }

    private static PublishResult ResultOf(WirePublish sent) =>
        sent.Missed > 0 ? new PublishResult(PublishStatus.Backpressured, sent.Recipients, sent.Missed) : new PublishResult(sent.Status, sent.Recipients);

    private void Progress()
    {
        _room?.TrySetResult();
        _room = null;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
