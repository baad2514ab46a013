namespace Starling.Net.Messages;

/// <summary>Messages of one peer that wait for handlers, which run one message after the other, off the readers. Safe for several threads.</summary>
internal sealed class PeerInbox(MessageContext context, Func<InboundMessage, Task> handle, Action<InboundMessage, string> drop)
{
    private readonly Lock _gate = new();
    private readonly Queue<InboundMessage> _queue = new();
    private long _bytes;
    private bool _draining;
    private TaskCompletionSource? _room;

    /// <summary>Lets a message in, now or when there is room, as the options say. False when it was dropped.</summary>
    public async ValueTask<bool> EnqueueAsync(InboundMessage message, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task room;
            List<InboundMessage> dropped = [];
            lock (_gate)
            {
                if (!Fits(message.Size) && context.Options.WhenInboxFull == FullInbox.DropOldest)
                {
                    while (!Fits(message.Size) && Take() is { } oldest) dropped.Add(oldest);
                }

                if (Fits(message.Size))
                {
                    Add(message);
                    room = Task.CompletedTask;
                }
                else if (context.Options.WhenInboxFull == FullInbox.Block)
                {
                    room = (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                }
                else
                {
                    return false;
                }
            }

            foreach (var oldest in dropped) drop(oldest, "Its peer's inbox was full, and it was the oldest.");

            if (room.IsCompleted) return true;
            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private bool Fits(int size) => _queue.Count == 0 || (_queue.Count < context.Options.MaxInboxMessages && _bytes + size <= context.Options.MaxInboxBytes);

    private void Add(InboundMessage message)
    {
        _queue.Enqueue(message);
        _bytes += message.Size;
        if (_draining) return;
        _draining = true;
        context.Tasks.Run(DrainAsync);
    }

    private InboundMessage? Take()
    {
        if (!_queue.TryDequeue(out var message)) return null;
        _bytes -= message.Size;
        return message;
    }

    private async Task DrainAsync()
    {
        while (true)
        {
            InboundMessage? next;
            lock (_gate)
            {
                next = Take();
                if (next is null)
                {
                    _draining = false;
                    return;
                }

                _room?.TrySetResult();
                _room = null;
            }

            await handle(next).ConfigureAwait(false);
            next.Charge.Release();
        }
    }
}

/// <summary>One message on its way to handlers, with what it costs until they are done.</summary>
/// <param name="Message">The message.</param>
/// <param name="Size">Bytes that it holds, roughly.</param>
/// <param name="Charge">What was taken of the budget for it.</param>
internal sealed record InboundMessage(ReceivedMessage Message, int Size, Charge Charge);
