namespace Starling.Protocols.PubSub;

/// <summary>Messages that neighbours said they have and were asked for: one of each request, drawn by chance, has to come in time.</summary>
internal sealed class Promises
{
    private readonly Dictionary<MessageId, List<(Neighbour By, Instant Until)>> _open = [];

    public int Count => _open.Count;

    public void Add(MessageId id, Neighbour by, Instant until)
    {
        if (!_open.TryGetValue(id, out var promises)) _open.Add(id, promises = []);
        foreach (var promise in promises)
        {
            if (promise.By == by) return;
        }

        promises.Add((by, until));
    }

    /// <summary>The message is here, from whomever.</summary>
    public void Keep(MessageId id)
    {
        if (_open.Count > 0) _open.Remove(id);
    }

    /// <summary>Takes out the promises that are broken: one entry each.</summary>
    public void TakeBroken(Instant now, List<Neighbour> by)
    {
        if (_open.Count == 0) return;
        foreach (var (id, promises) in _open)
        {
            for (var i = promises.Count - 1; i >= 0; i--)
            {
                if (promises[i].Until > now) continue;
                by.Add(promises[i].By);
                promises.RemoveAt(i);
            }

            // Removing the current entry does not end an enumeration of a dictionary.
            if (promises.Count == 0) _open.Remove(id);
        }
    }
}
