namespace Starling.Protocols.Streams;

/// <summary>The last bundles of one topic, its own node's included, in the order in which they came. One thread at a time.</summary>
/// <param name="options">The bounds.</param>
public sealed class ReplayLog(StreamOptions options)
{
    private readonly Queue<StreamBundle> _bundles = new();
    private readonly Dictionary<(PeerId Origin, ulong Epoch, ulong First), int> _known = [];

    /// <summary>Bundles that are held.</summary>
    public int Count => _bundles.Count;

    /// <summary>Bytes that are held, with about what keeping them costs.</summary>
    public long Bytes { get; private set; }

    /// <summary>Keeps a bundle; false when it is known, empty, or larger than the log.</summary>
    public bool Add(StreamBundle bundle, Instant now)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        var header = bundle.Header;
        if (header.Count == 0 || bundle.Size > options.MaxLogBytes) return false;
        var key = (bundle.Origin, header.Epoch, header.First);
        if (_known.TryGetValue(key, out var count) && count >= header.Count) return false;
        _known[key] = header.Count;
        _bundles.Enqueue(bundle);
        Bytes += bundle.Size;
        Trim(now);
        return true;
    }

    /// <summary>Lets the oldest bundle go; false when there is none.</summary>
    public bool DropOldest()
    {
        if (!_bundles.TryDequeue(out var oldest)) return false;
        Bytes -= oldest.Size;
        var key = (oldest.Origin, oldest.Header.Epoch, oldest.Header.First);
        if (_known.TryGetValue(key, out var count) && count == oldest.Header.Count) _known.Remove(key);
        return true;
    }

    /// <summary>Lets go what is beyond the bounds.</summary>
    public void Trim(Instant now)
    {
        while (_bundles.TryPeek(out var oldest) && (Bytes > options.MaxLogBytes || _bundles.Count > options.MaxLogBundles || now - oldest.TakenAt > options.MaxLogAge)) DropOldest();
    }

    /// <summary>The bundles that hold any of an origin's messages from one counter up to, but without, another; perhaps only those taken in since an instant.</summary>
    public IReadOnlyList<StreamBundle> Range(PeerId origin, ulong epoch, ulong first, ulong end, Instant? since = null) =>
        [.. _bundles
            .Where(bundle => bundle.Header.Epoch == epoch && bundle.Header.First < end && bundle.Header.End > first && bundle.Origin.Equals(origin) && (since is not { } from || bundle.TakenAt >= from))
            .OrderBy(bundle => bundle.Header.First)];

    /// <summary>The newest bundles that together hold at least so many messages, and those taken in since an instant; oldest first. Null bounds nothing.</summary>
    public IReadOnlyList<StreamBundle> Recent(int? last, Instant? since)
    {
        var chosen = new List<StreamBundle>();
        var left = last ?? int.MaxValue;
        foreach (var bundle in _bundles.Reverse())
        {
            if (left <= 0 || (since is { } from && bundle.TakenAt < from)) break;
            chosen.Add(bundle);
            left -= bundle.Header.Count;
        }

        chosen.Reverse();
        return chosen;
    }
}
