using System.Collections.Concurrent;

namespace Starling.Net.Requests;

/// <summary>Keeps calls for their next use. Safe for several threads.</summary>
internal sealed class CallPool(TimeProvider clock, int capacity)
{
    private readonly ConcurrentQueue<PendingCall> _calls = new();
    private int _count;

    public PendingCall Take()
    {
        if (!_calls.TryDequeue(out var call)) return new PendingCall(clock, this);
        Interlocked.Decrement(ref _count);
        return call;
    }

    public void Give(PendingCall call)
    {
        if (Interlocked.Increment(ref _count) <= capacity) _calls.Enqueue(call);
        else Interlocked.Decrement(ref _count);
    }
}
