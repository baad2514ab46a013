using System.Numerics;

namespace Starling.Simulation;

/// <summary>Virtual time: events in order, one after the other, as fast as the machine can.</summary>
/// <remarks>The same seed and the same calls give the same run, event for event, on every machine: <see cref="TraceHash"/> shows it.
/// Not safe for several threads; simulations that share nothing may run side by side.</remarks>
public sealed class Simulation
{
    private readonly EventQueue _queue = new();
    private readonly ActionTarget _actions = new();

    /// <summary>Creates a simulation at time zero.</summary>
    /// <param name="seed">All its chance comes from this number.</param>
    public Simulation(ulong seed)
    {
        Seed = seed;
        Random = RandomSource.Seeded(seed);
    }

    /// <summary>The number that all chance comes from.</summary>
    public ulong Seed { get; }

    /// <summary>The present.</summary>
    public Instant Now { get; private set; }

    /// <summary>Virtual time since the beginning.</summary>
    public TimeSpan Elapsed => new(Now.Ticks);

    /// <summary>Seeded randomness; parts take a <see cref="RandomSource.Fork"/> each.</summary>
    public RandomSource Random { get; }

    /// <summary>Events that have happened.</summary>
    public long Events { get; private set; }

    /// <summary>Events that wait for their time.</summary>
    public int Waiting => _queue.Count;

    /// <summary>A digest of what happened so far, to whom and when: equal for equal runs.</summary>
    public ulong TraceHash { get; private set; } = 0xCBF29CE484222325;

    /// <summary>Calls an action later; actions of the same time run in the order in which they were scheduled.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    public void After(TimeSpan time, Action action)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        ArgumentNullException.ThrowIfNull(action);
        Add(time.Ticks, _actions, 0, action);
    }

    /// <summary>Lets virtual time pass and what is due happen.</summary>
    /// <exception cref="OperationCanceledException">The run was cancelled between two events; it may be continued.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    public void Run(TimeSpan time, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        var end = Now + time;
        while (true)
        {
            if ((Events & 0xFFFF) == 0) cancellationToken.ThrowIfCancellationRequested();
            if (!_queue.TryTake(end.Ticks, out var happening)) break;
            Now = new Instant(happening.Time);
            Events++;
            Trace(happening.Time ^ ((long)happening.Kind << 56));
            Trace(happening.Target!.TraceId);
            happening.Target.Handle(happening.Kind, happening.Payload);
        }

        Now = end;
    }

    /// <summary>Adds an event.</summary>
    internal void Add(long ticks, EventTarget target, int kind, object? payload) => _queue.Add(Now.Ticks + ticks, target, kind, payload);

    /// <summary>Takes a number into the digest.</summary>
    internal void Trace(long value) => TraceHash = BitOperations.RotateLeft(TraceHash ^ (ulong)value, 29) * 0x9E3779B97F4A7C15;

    private sealed class ActionTarget : EventTarget
    {
        internal override long TraceId => -1;

        internal override void Handle(int kind, object? payload) => ((Action)payload!)();
    }
}
