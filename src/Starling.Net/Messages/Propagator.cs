using System.Collections.Concurrent;
using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>How a propagation ended.</summary>
/// <param name="End">Why.</param>
/// <param name="Rounds">How many rounds there were.</param>
/// <param name="Reached">Who has taken the state in.</param>
/// <param name="Last">What became of the last message for each peer.</param>
/// <param name="Error">With <see cref="PropagationEnd.Failed"/>: what was thrown.</param>
public sealed record PropagationResult(PropagationEnd End, int Rounds, IReadOnlySet<PeerId> Reached, IReadOnlyList<SendResult> Last, Exception? Error = null);

/// <summary>A propagation that is under way.</summary>
public sealed class Propagation
{
    private readonly CancellationTokenSource _cancel;

    internal Propagation(CancellationTokenSource cancel, Task<PropagationResult> completion) => (_cancel, Completion) = (cancel, completion);

    /// <summary>How it ended; never faulted, never cancelled.</summary>
    public Task<PropagationResult> Completion { get; }

    /// <summary>Ends it: no further round begins, and messages that are not sent yet are withdrawn. Idempotent.</summary>
    public void Cancel() => _cancel.Cancel();
}

/// <summary>Sends a node's state to neighbours that a strategy chooses, round after round, beside the caller. Safe for several threads.</summary>
public sealed class Propagator
{
    private const int MaxStrategies = 64;
    private const int MaxUnderWay = 64;
    private readonly MessageContext _context;
    private readonly Func<OutgoingMessage, SendTargets, CancellationToken, Task<IReadOnlyList<SendResult>>> _send;
    private readonly ConcurrentDictionary<string, IPropagationStrategy> _strategies = new(StringComparer.Ordinal);
    private int _underWay;

    internal Propagator(MessageContext context, Func<OutgoingMessage, SendTargets, CancellationToken, Task<IReadOnlyList<SendResult>>> send)
    {
        (_context, _send) = (context, send);
        Add(new InitializationPropagation());
        Add(new StablePropagation());
    }

    /// <summary>The names of the strategies: <c>initialization</c>, <c>stable</c> and those that were added.</summary>
    public IReadOnlyList<string> Strategies => [.. _strategies.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Adds a strategy, or replaces the one of its name.</summary>
    /// <exception cref="InvalidOperationException">There are 64 of them.</exception>
    public void Add(IPropagationStrategy strategy)
    {
        ArgumentNullException.ThrowIfNull(strategy);
        ArgumentException.ThrowIfNullOrEmpty(strategy.Name);
        if (_strategies.Count >= MaxStrategies && !_strategies.ContainsKey(strategy.Name)) throw new InvalidOperationException($"There are {MaxStrategies} propagation strategies, the most that is allowed.");
        _strategies[strategy.Name] = strategy;
    }

    /// <summary>Begins to propagate with a strategy by its name, and returns at once.</summary>
    /// <exception cref="ArgumentException">There is no such strategy; the message lists those that there are. Or an option is out of range.</exception>
    /// <inheritdoc cref="Start(IPropagationStrategy, Func{int, OutgoingMessage?}, PropagationOptions?, CancellationToken)"/>
    public Propagation Start(string strategy, Func<int, OutgoingMessage?> state, PropagationOptions? options = null, CancellationToken cancellationToken = default) =>
        strategy is not null && _strategies.TryGetValue(strategy, out var known)
            ? Start(known, state, options, cancellationToken)
            : throw new ArgumentException($"There is no propagation strategy '{strategy}'; there are: {string.Join(", ", Strategies)}.", nameof(strategy));

    /// <summary>Begins to propagate, and returns at once.</summary>
    /// <param name="strategy">Chooses the neighbours of each round.</param>
    /// <param name="state">Gives the message for a round, by its number from 1; null sends nothing in it.</param>
    /// <param name="options">Null takes the defaults.</param>
    /// <param name="cancellationToken">Cancels as <see cref="Propagation.Cancel"/> does.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="InvalidOperationException">64 propagations are under way.</exception>
    public Propagation Start(IPropagationStrategy strategy, Func<int, OutgoingMessage?> state, PropagationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(strategy);
        ArgumentNullException.ThrowIfNull(state);
        options ??= new PropagationOptions();
        OptionProblems.ThrowIfAny(options);
        if (Interlocked.Increment(ref _underWay) > MaxUnderWay)
        {
            Interlocked.Decrement(ref _underWay);
            throw new InvalidOperationException($"{MaxUnderWay} propagations are under way, the most that is allowed.");
        }

        var cancel = new CancellationTokenSource();
        var done = new TaskCompletionSource<PropagationResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _context.Tasks.Run(async () =>
        {
            using var any = CancellationTokenSource.CreateLinkedTokenSource(cancel.Token, cancellationToken, _context.Stopping);
            var result = await RunAsync(strategy, state, options, any.Token).ConfigureAwait(false);
            Interlocked.Decrement(ref _underWay);
            done.SetResult(result);
        });
        return new Propagation(cancel, done.Task);
    }

    private async Task<PropagationResult> RunAsync(IPropagationStrategy strategy, Func<int, OutgoingMessage?> state, PropagationOptions options, CancellationToken cancelled)
    {
        var core = new PropagationCore(strategy, options);
        IReadOnlyList<SendResult> last = [];
        try
        {
            while (true)
            {
                cancelled.ThrowIfCancellationRequested();
                var neighbours = _context.Host.Links.Where(link => link.Kind == LinkKind.Direct).Select(link => link.Peer).ToList();
                if (core.Next(neighbours, out var end) is not { } chosen) return new PropagationResult(end, core.Rounds, core.Reached, last);
                if (chosen.Count > 0 && state(core.Rounds) is { } message)
                {
                    last = await _send(message, SendTargets.To(chosen), cancelled).ConfigureAwait(false);
                    foreach (var result in last.Where(result => result.IsSent)) core.Reach(result.Peer);
                }

                await Task.Delay(options.Interval, _context.Clock, cancelled).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
            return new PropagationResult(PropagationEnd.Cancelled, core.Rounds, core.Reached, last);
        }
        catch (Exception error)
        {
            // The strategy and the state are the user's: the caller learns what they threw.
            return new PropagationResult(PropagationEnd.Failed, core.Rounds, core.Reached, last, error);
        }
    }
}
