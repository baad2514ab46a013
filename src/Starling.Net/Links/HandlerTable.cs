using System.Collections.Concurrent;

namespace Starling.Net.Links;

/// <summary>Who serves which protocol. Safe for several threads.</summary>
internal sealed class HandlerTable(int capacity, Action onChange)
{
    private readonly ConcurrentDictionary<string, Handler> _handlers = new(StringComparer.Ordinal);

    public ICollection<string> Protocols => _handlers.Keys;

    public bool Serves(string protocol) => _handlers.ContainsKey(protocol);

    public Handler? Find(string protocol) => _handlers.GetValueOrDefault(protocol);

    public IDisposable Add(Handler handler)
    {
        if (_handlers.Count >= capacity) throw new InvalidOperationException($"{capacity} protocols are served, the most that is allowed (MaxHandlers).");
        if (!_handlers.TryAdd(handler.Protocol, handler)) throw new InvalidOperationException($"{handler.Protocol} has a handler already; dispose its registration first.");
        onChange();
        return new Registration(this, handler);
    }

    /// <summary>Cancels what runs, and serves nothing any more.</summary>
    public void Clear()
    {
        foreach (var handler in _handlers.Values) Remove(handler);
    }

    private void Remove(Handler handler)
    {
        if (!_handlers.TryRemove(KeyValuePair.Create(handler.Protocol, handler))) return;
        handler.Removed.Cancel();
        onChange();
    }

    /// <summary>One protocol's handler.</summary>
    /// <param name="Protocol">The protocol id.</param>
    /// <param name="Serve">Called for each stream.</param>
    /// <param name="MaxPerPeer">Streams at once from one peer.</param>
    /// <param name="BeforeReady">Whether it serves links that are not identified yet.</param>
    /// <param name="Lane">The lane in which it answers, until it says otherwise.</param>
    public sealed record Handler(string Protocol, Func<PeerLink, IStream, CancellationToken, Task> Serve, int MaxPerPeer, bool BeforeReady, StreamPriority Lane = StreamPriority.Medium)
    {
        public CancellationTokenSource Removed { get; } = new();
    }

    private sealed class Registration(HandlerTable table, Handler handler) : IDisposable
    {
        public void Dispose() => table.Remove(handler);
    }
}
