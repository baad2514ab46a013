using System.Diagnostics.CodeAnalysis;

namespace Starling.Protocols.Requests;

/// <summary>The calling side of one stream: calls numbered from 1, each ended once. Pure; not safe for several threads.</summary>
/// <typeparam name="T">What stands for a call.</typeparam>
public sealed class CallTable<T>
    where T : class
{
    private readonly Dictionary<ulong, T> _open = [];
    private ulong _last;

    /// <summary>Calls that wait for their answer.</summary>
    public int Count => _open.Count;

    /// <summary>Registers a call, before it is sent, and returns its number.</summary>
    public ulong Add(T call)
    {
        _open.Add(++_last, call);
        return _last;
    }

    /// <summary>Takes a call out, if it still waits. Whoever takes it ends it.</summary>
    public bool TryTake(ulong id, [NotNullWhen(true)] out T? call) => _open.Remove(id, out call);

    /// <summary>Whether this very call waits under this number.</summary>
    public bool Holds(ulong id, T call) => _open.TryGetValue(id, out var held) && ReferenceEquals(held, call);

    /// <summary>Whether a call of this number was ever made: an answer to one that has ended is late, any other is a violation.</summary>
    public bool WasMade(ulong id) => id > 0 && id <= _last;

    /// <summary>Takes every call out.</summary>
    public IReadOnlyList<T> TakeAll()
    {
        List<T> all = [.. _open.Values];
        _open.Clear();
        return all;
    }
}
