namespace Starling.Web;

/// <summary>Who is registered, and whether enough are for the common start. Bounded; safe for several threads.</summary>
/// <remarks>The start comes once and stays: a node that registers later may go at once.</remarks>
internal sealed class StartBarrier(ControllerOptions options, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, Entry> _nodes = [];
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeSpan _sweep = options.RegistrationTime / 10;
    private long _swept = clock.GetTimestamp();

    /// <summary>Completes at the start.</summary>
    public Task Started => _started.Task;

    /// <summary>Registers or renews.</summary>
    /// <returns>False when there is no room.</returns>
    public bool TryRegister(PeerId peer, ControllerRegistration node)
    {
        lock (_gate)
        {
            Expire();
            if (!_nodes.TryGetValue(peer, out var entry))
            {
                if (_nodes.Count >= options.MaxRegistrations) return false;
                _nodes[peer] = entry = new Entry();
            }

            entry.Node = node;
            entry.Heard = clock.GetTimestamp();
            if (_nodes.Count < options.Nodes) return true;
            Sweep();
            if (_nodes.Count >= options.Nodes) _started.TrySetResult();
            return true;
        }
    }

    /// <summary>Notes that a node is there.</summary>
    /// <returns>False when it is not registered.</returns>
    public bool TryTouch(PeerId peer, ControllerStatus? status = null)
    {
        lock (_gate)
        {
            Expire();
            if (!_nodes.TryGetValue(peer, out var entry)) return false;
            entry.Heard = clock.GetTimestamp();
            entry.Status = status ?? entry.Status;
            return true;
        }
    }

    public void Remove(PeerId peer)
    {
        lock (_gate) _nodes.Remove(peer);
    }

    public ControllerState State(bool withNodes)
    {
        lock (_gate)
        {
            Expire();
            return new ControllerState(_started.Task.IsCompleted, _nodes.Count, options.Nodes, withNodes ? [.. _nodes.Select(Show)] : []);
        }
    }

    private ControllerNode Show(KeyValuePair<PeerId, Entry> each) =>
        new(each.Key.ToString(), each.Value.Node.Name, each.Value.Node.Addresses, each.Value.Status, Math.Round(clock.GetElapsedTime(each.Value.Heard).TotalSeconds, 1));

    /// <summary>Forgets the silent, but does not look at all of them for every call.</summary>
    private void Expire()
    {
        if (clock.GetElapsedTime(_swept) >= _sweep) Sweep();
    }

    private void Sweep()
    {
        if (_started.Task.IsCompleted) return;
        _swept = clock.GetTimestamp();
        foreach (var (peer, entry) in _nodes)
        {
            if (clock.GetElapsedTime(entry.Heard) > options.RegistrationTime) _nodes.Remove(peer);
        }
    }

    private sealed class Entry
    {
        public ControllerRegistration Node { get; set; } = null!;

        public ControllerStatus? Status { get; set; }

        public long Heard { get; set; }
    }
}
