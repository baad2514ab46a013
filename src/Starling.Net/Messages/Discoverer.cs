namespace Starling.Net.Messages;

/// <summary>Tells the direct neighbours about this node every now and then, for example where it is. Runs until the node stops. Safe for several threads.</summary>
public sealed class Discoverer
{
    private readonly Lock _gate = new();
    private readonly MessageContext _context;
    private readonly Func<OutgoingMessage, Task<IReadOnlyList<SendResult>>> _send;
    private Func<OutgoingMessage?>? _about;
    private TimeSpan _interval;
    private TaskCompletionSource _changed = NewSignal();
    private long _rounds;
    private int _run;

    internal Discoverer(MessageContext context, Func<OutgoingMessage, Task<IReadOnlyList<SendResult>>> send)
    {
        (_context, _send) = (context, send);
        _interval = context.Options.DiscovererInterval;
    }

    /// <summary>Makes what is told, each time anew; null tells nothing this time. Setting it starts the discoverer, which tells at once; setting null stops it.</summary>
    public Func<OutgoingMessage?>? About
    {
        get { lock (_gate) return _about; }
        set
        {
            lock (_gate)
            {
                var starts = _about is null && value is not null;
                _about = value;
                _changed.TrySetResult();
                if (!starts || _context.Stopping.IsCancellationRequested) return;
                var run = ++_run;
                _context.Tasks.Run(() => RunAsync(run));
            }
        }
    }

    /// <summary>The mean time between two tellings, each between three and five quarters of it. A change takes effect at once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive, or longer than a day.</exception>
    public TimeSpan Interval
    {
        get { lock (_gate) return _interval; }
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromDays(1));
            lock (_gate)
            {
                _interval = value;
                _changed.TrySetResult();
            }
        }
    }

    /// <summary>Whether it tells.</summary>
    public bool IsRunning => About is not null && !_context.Stopping.IsCancellationRequested;

    /// <summary>How often it has told.</summary>
    public long Rounds => Interlocked.Read(ref _rounds);

    private async Task RunAsync(int run)
    {
        Instant? told = null;
        var spread = _context.Random.Jitter(TimeSpan.FromSeconds(1), 0.75, 1.25).TotalSeconds;
        while (!_context.Stopping.IsCancellationRequested)
        {
            Func<OutgoingMessage?>? about;
            Task changed;
            TimeSpan wait;
            lock (_gate)
            {
                about = _about;
                if (about is null || run != _run) return;
                if (_changed.Task.IsCompleted) _changed = NewSignal();
                changed = _changed.Task;
                wait = told is { } last ? last + (_interval * spread) - _context.Clock.Now() : TimeSpan.Zero;
            }

            if (wait > TimeSpan.Zero)
            {
                await changed.WaitAsync(wait, _context.Clock, _context.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            await TellAsync(about).ConfigureAwait(false);
            told = _context.Clock.Now();
            spread = _context.Random.Jitter(TimeSpan.FromSeconds(1), 0.75, 1.25).TotalSeconds;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task TellAsync(Func<OutgoingMessage?> about)
    {
        try
        {
            if (about() is not { } message) return;
            Interlocked.Increment(ref _rounds);
            await _send(message).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // What the user's function throws must not end the telling.
            _context.Log.DiscovererFailed(error);
        }
    }
}
