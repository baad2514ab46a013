using System.Diagnostics.CodeAnalysis;

namespace Starling.Net.Spread;

/// <summary>A queue bounded by count and bytes that never makes a writer wait: the oldest entries make room. One reader, any number of writers.</summary>
internal sealed class ShedQueue<T>(int maxCount, long maxBytes, ResourceBudget budget)
{
    private readonly Lock _gate = new();
    private readonly Queue<(T Entry, int Size)> _entries = new();
    private TaskCompletionSource? _filled;
    private TaskCompletionSource? _drained;
    private long _bytes;
    private bool _closed;

    /// <summary>Adds an entry. Returns how many were lost for it, itself included.</summary>
    public int Add(T entry, int size)
    {
        lock (_gate)
        {
            if (_closed) return 1;
            var shed = 0;
            while (_entries.Count > 0 && (_entries.Count >= maxCount || _bytes + size > maxBytes))
            {
                Release(_entries.Dequeue().Size);
                shed++;
            }

            if (_bytes + size > maxBytes || !budget.TryAcquire(ResourceKind.QueueBytes, size)) return shed + 1;
            _bytes += size;
            _entries.Enqueue((entry, size));
            _filled?.TrySetResult();
            _filled = null;
            return shed;
        }
    }

    /// <summary>Takes the oldest entry if it has at most so many bytes. Its bytes stay counted until <see cref="Done"/>.</summary>
    public bool TryTake(int atMost, [MaybeNullWhen(false)] out T entry, out int size)
    {
        lock (_gate)
        {
            (entry, size) = (default, 0);
            if (_entries.Count == 0 || _entries.Peek().Size > atMost) return false;
            (entry, size) = _entries.Dequeue();
            return true;
        }
    }

    /// <summary>What was taken needs no room any more.</summary>
    public void Done(int size)
    {
        lock (_gate)
        {
            Release(size);
            if (_bytes > 0) return;
            _drained?.TrySetResult();
            _drained = null;
        }
    }

    /// <summary>Waits until there is something to take.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task filled;
            lock (_gate)
            {
                if (_entries.Count > 0) return;
                filled = (_filled ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await filled.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Completes once nothing waits and nothing is being worked on, or the queue is closed.</summary>
    public Task WhenDrained()
    {
        lock (_gate)
        {
            return _closed || _bytes == 0 ? Task.CompletedTask : (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Drops everything for good. Returns how many entries were lost.</summary>
    /// <param name="taken">Bytes that were taken and not done with.</param>
    public int Close(int taken)
    {
        lock (_gate)
        {
            if (_closed) return 0;
            _closed = true;
            var lost = _entries.Count;
            foreach (var (_, size) in _entries) Release(size);
            Release(taken);
            _entries.Clear();
            _drained?.TrySetResult();
            return lost;
        }
    }

    private void Release(int size)
    {
        _bytes -= size;
        budget.Release(ResourceKind.QueueBytes, size);
    }
}
