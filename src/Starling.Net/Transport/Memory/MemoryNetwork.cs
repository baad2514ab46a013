using System.Collections.Concurrent;

namespace Starling.Net.Transport;

/// <summary>A network inside one process: what the <see cref="MemoryTransport"/>s that share it can reach. Safe for several threads.</summary>
public sealed class MemoryNetwork
{
    private readonly ConcurrentDictionary<ulong, MemoryListener> _listeners = new();
    private readonly ConcurrentDictionary<MemoryPair, byte> _open = new();
    private long _numbers = 1L << 32;

    /// <summary>Connections that are open now.</summary>
    public int OpenConnections => _open.Count;

    /// <summary>Breaks every open connection as a cut cable does: both ends fail, with no good-bye.</summary>
    public void AbortAll()
    {
        foreach (var pair in _open.Keys) pair.Abort();
    }

    internal ulong NextNumber() => (ulong)Interlocked.Increment(ref _numbers);

    internal bool TryAdd(ulong number, MemoryListener listener) => _listeners.TryAdd(number, listener);

    internal void Remove(ulong number) => _listeners.TryRemove(number, out _);

    internal MemoryListener? Find(ulong number) => _listeners.GetValueOrDefault(number);

    internal MemoryPair Open()
    {
        var pair = new MemoryPair(this);
        _open.TryAdd(pair, 0);
        return pair;
    }

    internal void Closed(MemoryPair pair) => _open.TryRemove(pair, out _);
}
