namespace Starling.Net.PubSub;

/// <summary>Tells the readers of subscriptions that messages are there. While a thread takes an RPC in, the telling waits until it is done with that and has its next read armed;
/// then it runs one reader's code itself, which saves a lone message the way to another thread, about 10 µs. A reader that keeps the thread holds nothing up but itself.</summary>
internal static class ReaderWake
{
    /// <summary>How deep readers may run inside each other's publishes before the pool takes over.</summary>
    private const int MostNested = 8;

    [ThreadStatic]
    private static Frame? _frame;

    /// <summary>Tells a reader: at the end of the RPC that this thread takes in, else on the pool. Never runs its code in the call.</summary>
    public static void Tell(TaskCompletionSource reader)
    {
        if (_frame is { IsHeld: true, Waiting: null } frame) frame.Waiting = reader;
        else TellOnPool(reader);
    }

    /// <summary>From here on, until <see cref="Release"/> on the same thread, one reader waits to be told.</summary>
    public static void Hold() => (_frame ??= new Frame()).IsHeld = true;

    /// <summary>Ends <see cref="Hold"/>. The reader to be told with <see cref="TellHere"/> or <see cref="TellOnPool"/>, or null.</summary>
    public static TaskCompletionSource? Release()
    {
        var frame = _frame!;
        var reader = frame.Waiting;
        (frame.IsHeld, frame.Waiting) = (false, null);
        return reader;
    }

    /// <summary>Tells a reader on this thread, which has nothing else to do.</summary>
    public static void TellHere(TaskCompletionSource reader)
    {
        var frame = _frame ??= new Frame();
        if (frame.Depth >= MostNested)
        {
            TellOnPool(reader);
            return;
        }

        frame.Depth++;
        reader.TrySetResult();
        frame.Depth--;
    }

    public static void TellOnPool(TaskCompletionSource reader) => ThreadPool.UnsafeQueueUserWorkItem(static reader => reader.TrySetResult(), reader, preferLocal: true);

    private sealed class Frame
    {
        public bool IsHeld { get; set; }

        public int Depth { get; set; }

        public TaskCompletionSource? Waiting { get; set; }
    }
}
