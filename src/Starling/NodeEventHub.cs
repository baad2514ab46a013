namespace Starling;

/// <summary>Brings what happens in a node's parts to every reader of its events. Safe for several threads.</summary>
internal sealed class NodeEventHub
{
    private readonly Lock _gate = new();
    private readonly List<NodeEventQueue> _readers = [];
    private bool _ended;

    /// <summary>Something happened. Returns at once; without readers it is dropped.</summary>
    public void Raise(NodeEvent? happened)
    {
        if (happened is null) return;
        lock (_gate)
        {
            foreach (var reader in _readers) reader.Add(happened);
        }
    }

    /// <summary>Adds a reader that is told everything from now on, after what already holds.</summary>
    public void Add(NodeEventQueue reader, Func<IEnumerable<NodeEvent>> present)
    {
        lock (_gate)
        {
            foreach (var happened in present()) reader.Add(happened);
            if (_ended) reader.Complete();
            else _readers.Add(reader);
        }
    }

    public void Remove(NodeEventQueue reader)
    {
        lock (_gate) _readers.Remove(reader);
    }

    /// <summary>Ends every reader's sequence.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _ended = true;
            _readers.ForEach(reader => reader.Complete());
        }
    }
}
