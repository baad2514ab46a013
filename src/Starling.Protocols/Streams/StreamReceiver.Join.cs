namespace Starling.Protocols.Streams;

/// <summary>Which of the past a subscription that joins late wants.</summary>
/// <param name="Last">The last so many messages; null for no such bound.</param>
/// <param name="Since">What was taken in during the last so much time; null for no such bound.</param>
public readonly record struct LateJoin(int? Last, TimeSpan? Since);

/// <content>Late join: the past first, then the present, without a message twice and without a hole.</content>
public sealed partial class StreamReceiver
{
    private List<StreamBundle>? _joining;

    /// <summary>Whether everything is held back until <see cref="EndJoin"/>.</summary>
    public bool IsJoining => _joining is not null;

    /// <summary>The past is there: delivers it in the order in which it was published, then what came meanwhile.</summary>
    /// <param name="past">Bundles from logs, in any order, each perhaps several times. Older epochs of an origin are delivered before its present one.</param>
    /// <param name="last">The most messages of the past that are wanted; null for all.</param>
    /// <param name="now">The time.</param>
    /// <param name="effects">What is to be done.</param>
    /// <exception cref="InvalidOperationException">The receiver does not join.</exception>
    public void EndJoin(IReadOnlyCollection<StreamBundle> past, int? last, Instant now, ICollection<StreamEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(past);
        ArgumentNullException.ThrowIfNull(effects);
        var meanwhile = _joining ?? throw new InvalidOperationException("The receiver does not join.");
        _joining = null;
        _heldBytes = 0;
        var slices = Merge(past);
        var skip = last is { } wanted ? slices.Sum(slice => (long)slice.Count) - wanted : 0;
        foreach (var (bundle, first, count) in slices)
        {
            var left = Math.Clamp(skip, 0, (long)count);
            skip -= left;
            if ((ulong)left < count) TakePast(bundle, first + (ulong)left, now, effects);
        }

        foreach (var bundle in meanwhile) Take(bundle, now, effects);
    }

    private void HoldForJoin(StreamBundle bundle)
    {
        if (_heldBytes + bundle.Size > _options.MaxHeldBytes)
        {
            // The next bundle of its origin shows the gap.
            _counters.CountHeldFull();
            return;
        }

        _joining!.Add(bundle);
        _heldBytes += bundle.Size;
    }

    private void TakePast(StreamBundle bundle, ulong first, Instant now, ICollection<StreamEffect> effects)
    {
        var state = Find(bundle, now, effects, out var isNew);
        if (isNew) state.Next = first;
        else if (bundle.Header.Epoch > state.Epoch) BeginPastEpoch(state, bundle.Header.Epoch, first, now, effects);
        Take(bundle, now, effects);
    }

    private void BeginPastEpoch(StreamOrigin state, ulong epoch, ulong first, Instant now, ICollection<StreamEffect> effects)
    {
        while (state.HasGap) SkipGap(state, now, effects);
        state.BeginEpoch(epoch);
        state.Next = first;
    }

    /// <summary>Every message once, each origin's in its order, origins merged by the times of their messages.</summary>
    private static List<(StreamBundle Bundle, ulong First, ulong Count)> Merge(IReadOnlyCollection<StreamBundle> past)
    {
        var lines = past
            .Where(bundle => bundle.Header.Count > 0)
            .GroupBy(bundle => bundle.Origin)
            .Select(origin => new Queue<StreamBundle>(origin.OrderBy(bundle => bundle.Header.Epoch).ThenBy(bundle => bundle.Header.First).ThenByDescending(bundle => bundle.Header.Count)))
            .ToList();
        var heads = new PriorityQueue<Queue<StreamBundle>, (long Time, int Line)>();
        for (var i = 0; i < lines.Count; i++) heads.Enqueue(lines[i], (lines[i].Peek().Header.FirstTime, i));
        var reached = new Dictionary<PeerId, (ulong Epoch, ulong Next)>();
        var slices = new List<(StreamBundle, ulong, ulong)>();
        while (heads.TryDequeue(out var line, out var order))
        {
            var bundle = line.Dequeue();
            var header = bundle.Header;
            var first = reached.TryGetValue(bundle.Origin, out var at) && at.Epoch == header.Epoch ? Math.Max(at.Next, header.First) : header.First;
            if (first < header.End)
            {
                slices.Add((bundle, first, header.End - first));
                reached[bundle.Origin] = (header.Epoch, header.End);
            }

            if (line.TryPeek(out var next)) heads.Enqueue(line, (next.Header.FirstTime, order.Line));
        }

        return slices;
    }
}
