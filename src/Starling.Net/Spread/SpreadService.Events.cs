using System.Collections.Immutable;
using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <content>What users are told of, at most once a second for each cause, however much a neighbour sends.</content>
public sealed partial class SpreadService
{
    private const int MaxCauses = 1024;
    private static readonly TimeSpan EventPause = TimeSpan.FromSeconds(1);
    private readonly Lock _telling = new();
    private readonly Dictionary<(object Who, SpreadRefusal Why), (Instant Next, long Count)> _causes = [];
    private ImmutableArray<Action<SpreadEvent>> _observers = [];

    /// <summary>Tells an observer of trouble from now on. Disposing ends that.</summary>
    /// <param name="observer">Called from any thread; must return at once and never throw.</param>
    public IDisposable Observe(Action<SpreadEvent> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        ImmutableInterlocked.Update(ref _observers, all => all.Add(observer));
        return new Observation(() => ImmutableInterlocked.Update(ref _observers, all => all.Remove(observer)));
    }

    internal void TellDropped(SpreadKind kind, int count)
    {
        if (count > 0 && IsDue(kind, SpreadRefusal.None, count) is { } all) Tell(new SpreadEvent.Dropped(kind, all));
    }

    private void Tell(PeerId from, uint kind, SpreadRefusal why)
    {
        if (IsDue(from, why, 1) is { } count) Tell(new SpreadEvent.Refused(from, kind, why, count));
    }

    private void Tell(SpreadEvent happened)
    {
        foreach (var observer in _observers) observer(happened);
    }

    /// <summary>How many there were since this cause was told last; null while that is less than a second ago.</summary>
    private long? IsDue(object who, SpreadRefusal why, int count)
    {
        if (_observers.IsEmpty) return null;
        var now = Clock.Now();
        lock (_telling)
        {
            var known = _causes.GetValueOrDefault((who, why));
            if (known.Next > now)
            {
                _causes[(who, why)] = (known.Next, known.Count + count);
                return null;
            }

            if (_causes.Count >= MaxCauses) _causes.Clear();
            _causes[(who, why)] = (now + EventPause, 0);
            return known.Count + count;
        }
    }

    private sealed class Observation(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
