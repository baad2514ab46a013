using System.Text.Unicode;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>One stream on which a peer calls this node's handlers.</summary>
internal sealed class ServedStream : FrameLoop
{
    private readonly RequestService _service;
    private readonly IStream _stream;
    private readonly Lock _gate = new();
    private readonly ServingCore<ServedCall> _core;
    private readonly FrameSender _sender;
    private TaskCompletionSource? _idle;
    private int _running;

    public ServedStream(RequestService service, IStream stream)
        : base(service.Limits, service.Budget)
    {
        (_service, _stream) = (service, stream);
        _core = new ServingCore<ServedCall>(service.Options.MaxServedPerPeer);
        _sender = new FrameSender(service.Options.MaxQueuedBytes, _ => stream.Reset());
    }

    public PeerId Peer => _stream.Connection.RemotePeer;

    public RequestsLog Log => _service.Log;

    /// <summary>Serves until the peer ends its direction and every call is answered, or the stream is lost.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _stream.Priority = StreamPriority.High;
        _sender.Attach(_stream);
        try
        {
            await ReadAsync(_stream, cancellationToken);
            await FlushAsync(cancellationToken);
        }
        catch (ProtocolViolationException violation)
        {
            _service.Metrics.Violation();
            Log.Violation(Peer, violation.Message);
            _stream.Reset();
        }
        finally
        {
            _sender.End();
            CancelAll();
        }
    }

    /// <summary>Waits until no handler runs and every answer is written.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await WhenIdle().WaitAsync(cancellationToken);
        await _sender.FlushAsync(cancellationToken);
    }

    /// <summary>Sends the answer of a call.</summary>
    public async ValueTask<RequestFailure> ReplyAsync(ulong id, ReadOnlyMemory<byte> reply)
    {
        if (reply.Length > _service.Options.MaxPayloadBytes)
        {
            Refuse(id, RequestFailure.TooLarge, $"The reply has {reply.Length} bytes; {_service.Options.MaxPayloadBytes} are allowed.");
            return RequestFailure.TooLarge;
        }

        while (!TryFinish(id, new RequestFrame { Id = id, Kind = RequestFrameKind.Reply, Payload = reply.Span }, urgent: false)) await _sender.WaitAsync(CancellationToken.None);
        return RequestFailure.None;
    }

    /// <summary>Sends an item of a streamed answer.</summary>
    /// <returns>False when it was too large, which the caller was told.</returns>
    public async ValueTask<bool> SendItemAsync(ulong id, ReadOnlyMemory<byte> item, CancellationToken cancellationToken)
    {
        if (item.Length > _service.Options.MaxPayloadBytes)
        {
            Refuse(id, RequestFailure.TooLarge, $"An item has {item.Length} bytes; {_service.Options.MaxPayloadBytes} are allowed.");
            return false;
        }

        cancellationToken.ThrowIfCancellationRequested();
        while (!TryItem(id, item.Span)) await _sender.WaitAsync(cancellationToken);
        return true;
    }

    /// <summary>Completes a streamed answer.</summary>
    public void End(ulong id) => TryFinish(id, new RequestFrame { Id = id, Kind = RequestFrameKind.End }, urgent: true);

    /// <summary>Answers a call with an error, unless it has ended.</summary>
    public void Refuse(ulong id, RequestFailure failure, string message)
    {
        Span<byte> text = stackalloc byte[RequestLimits.MaxMessageBytes];
        Utf8.FromUtf16(message, text, out _, out var length);
        TryFinish(id, new RequestFrame { Id = id, Kind = RequestFrameKind.Error, Failure = failure, Message = text[..length] }, urgent: true);
    }

    /// <summary>A handler has ended.</summary>
    public void Done(ServedCall call, RequestRegistration handler, RequestFailure failure, TimeSpan time)
    {
        _service.Leave(Peer, call.Length);
        _service.Metrics.Served(failure, time);
        TaskCompletionSource? idle = null;
        lock (_gate)
        {
            _core.TryEnd(call.Id, out _);
            if (--_running == 0) (idle, _idle) = (_idle, null);
        }

        idle?.TrySetResult();
    }

    protected override Task WaitBeforeReading(CancellationToken cancellationToken) =>
        _sender.IsFull ? _sender.WaitAsync(cancellationToken) : Task.CompletedTask;

    protected override void OnFrame(in RequestFrame frame)
    {
        ServedCall? unwanted = null;
        ServingStep step;
        lock (_gate)
        {
            step = _core.OnFrame(frame);
            if (step == ServingStep.Cancel) _core.TryEnd(frame.Id, out unwanted);
        }

        unwanted?.Cancel();
        if (step == ServingStep.Begin) Begin(frame);
        else if (step == ServingStep.Refuse) RefuseUnseen(frame.Id, RequestFailure.Busy, "Too many requests are open on the stream.");
        else if (step == ServingStep.Violation) throw new ProtocolViolationException($"A {frame.Kind} frame of number {frame.Id} may not come here.");
    }

    protected override void OnPassedOver(in RequestFrame frame, bool noMemory)
    {
        lock (_gate)
        {
            if (_core.OnOversized(frame) == ServingStep.Violation) throw new ProtocolViolationException($"A {frame.Kind} frame of number {frame.Id} may not come here.");
        }

        if (noMemory) RefuseUnseen(frame.Id, RequestFailure.Busy, "There is no memory left for the request.");
        else RefuseUnseen(frame.Id, RequestFailure.TooLarge, $"The request has more than {_service.Options.MaxPayloadBytes} bytes.");
    }

    private void Begin(in RequestFrame frame)
    {
        if (_service.IsRefusing)
        {
            RefuseUnseen(frame.Id, RequestFailure.Cancelled, "The node is stopping.");
            return;
        }

        if (_service.Find(_core.Name) is not { } handler)
        {
            RefuseUnseen(frame.Id, RequestFailure.NoHandler, $"There is no handler named {Quote(_core.Name)}.");
            return;
        }

        if (!_service.TryEnter(Peer, frame.Payload.Length))
        {
            RefuseUnseen(frame.Id, RequestFailure.Busy, "Too many requests are being served.");
            return;
        }

        var call = new ServedCall(this, handler, frame, _service.Clock);
        lock (_gate)
        {
            _core.Serve(frame.Id, call);
            _running++;
        }

        RunBeside(call);
    }

    private static string Quote(string name) => $"'{string.Concat(name.Select(letter => char.IsControl(letter) ? ' ' : letter))}'";

    private void RefuseUnseen(ulong id, RequestFailure failure, string message)
    {
        _service.Metrics.Refused(failure);
        Refuse(id, failure, message);
    }

    /// <summary>Sends the last frame of a call, unless the call has ended.</summary>
    /// <returns>False when there is no room for it.</returns>
    private bool TryFinish(ulong id, in RequestFrame frame, bool urgent)
    {
        lock (_gate)
        {
            if (!_core.IsOpen(id)) return true;
            if (!_sender.TryAdd(frame, urgent)) return false;
            _core.TryEnd(id, out _);
        }

        _sender.Kick();
        return true;
    }

    private bool TryItem(ulong id, ReadOnlySpan<byte> item)
    {
        lock (_gate)
        {
            if (!_core.IsOpen(id)) return true;
            if (!_sender.TryAdd(new RequestFrame { Id = id, Kind = RequestFrameKind.Item, Payload = item })) return false;
        }

        _sender.Kick();
        return true;
    }

    private Task WhenIdle()
    {
        lock (_gate)
        {
            if (_running == 0) return Task.CompletedTask;
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _idle.Task;
        }
    }

    private void CancelAll()
    {
        IReadOnlyList<ServedCall> left;
        lock (_gate) left = _core.EndAll();
        foreach (var call in left) call.Cancel();
    }
}
