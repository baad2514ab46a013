using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Starling.Net.Transport;

/// <summary>Reaches a peer by the first of its addresses that leads to a link. Safe for any number of dials at a time.</summary>
/// <remarks>Happy eyeballs (RFC 8305): addresses start one after the other, staggered, and run in parallel; the first whose whole upgrade
/// succeeds wins, the others are cancelled and closed before the winner is returned.</remarks>
public sealed class Dialer
{
    private readonly IReadOnlyList<ITransport> _transports;
    private readonly Upgrader _upgrader;
    private readonly DialerOptions _options;
    private readonly DialPlanner _planner;
    private readonly TimeProvider _clock;
    private readonly TransportMetrics? _metrics;
    private readonly ILogger _logger;

    /// <summary>Creates a dialler over the given transports; the first that can dial an address is used for it.</summary>
    public Dialer(
        IReadOnlyList<ITransport> transports,
        Upgrader upgrader,
        DialerOptions options,
        TimeProvider clock,
        TransportMetrics? metrics = null,
        ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(transports);
        ArgumentNullException.ThrowIfNull(upgrader);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _transports = transports;
        _upgrader = upgrader;
        _options = options;
        _planner = new DialPlanner(transports, upgrader.LocalPeer, options, clock);
        _clock = clock;
        _metrics = metrics;
        _logger = logger ?? NullLogger.Instance;
    }

    /// <summary>Asked of each address that was found behind a name, before it is dialled: why it may not be, or null. Default: all may.</summary>
    public Func<PeerId?, Multiaddr, string?> RefuseResolved
    {
        get => _planner.RefuseResolved;
        set => _planner.RefuseResolved = value;
    }

    /// <summary>Dials the addresses of one peer.</summary>
    /// <param name="expected">Who must answer; null takes it from each address, and where that names nobody accepts whoever answers.</param>
    /// <param name="addresses">The peer's addresses, the most hopeful first.</param>
    /// <param name="cancellationToken">Ends the dial; what it had opened is closed when the call returns.</param>
    /// <exception cref="HandshakeException">No address led to a link; the message names each address and its reason.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<IConnection> DialAsync(
        PeerId? expected, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        var errors = new List<DialError>();
        var running = new List<Task<IConnection>>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var targets = _planner.Plan(expected, addresses, errors, stop.Token);
        Task<IConnection>? winner = null;
        try
        {
            winner = await RaceAsync(targets, running, errors, stop.Token);
        }
        finally
        {
            await stop.CancelAsync();
            foreach (var loser in running.Where(r => r != winner)) await CloseLoserAsync(loser);
        }

        // A link that was won is returned even if the token was cancelled since: nobody else could close it.
        return winner is null ? throw Aggregate(expected, errors) : await winner;
    }

    /// <summary>The first attempt that succeeds, or null when all have failed.</summary>
    /// <remarks>A name that is slow to resolve holds up no address that is there already.</remarks>
    private async Task<Task<IConnection>?> RaceAsync(
        DialTargets targets, List<Task<IConnection>> running, List<DialError> errors, CancellationToken cancellationToken)
    {
        var addressOf = new Dictionary<Task, Multiaddr>();
        var cancelled = Task.Delay(Timeout.InfiniteTimeSpan, _clock, cancellationToken);
        var headStart = Task.CompletedTask;
        while (targets.HasNext || targets.Lookups.Count > 0 || running.Count > 0)
        {
            if (targets.HasNext && (running.Count == 0 || headStart.IsCompleted))
            {
                var target = targets.Take();
                var attempt = AttemptAsync(target, cancellationToken);
                addressOf.Add(attempt, target.Address);
                running.Add(attempt);
                headStart = Task.Delay(_options.Stagger, _clock, cancellationToken);
            }

            var ended = await Task.WhenAny([.. targets.HasNext ? [headStart] : Array.Empty<Task>(), .. running, .. targets.Lookups, cancelled]);
            cancellationToken.ThrowIfCancellationRequested();
            if (targets.Lookups.FirstOrDefault(lookup => lookup == ended) is { } lookup)
            {
                await targets.AdmitAsync(lookup);
            }
            else if (running.Find(attempt => attempt == ended) is { } attempt)
            {
                if (attempt.IsCompletedSuccessfully) return attempt;
                running.Remove(attempt);
                headStart = Task.CompletedTask;
                try
                {
                    await attempt;
                }
                catch (HandshakeException e)
                {
                    errors.Add(new DialError(addressOf[attempt], e));
                }
            }
        }

        return null;
    }

    private async Task<IConnection> AttemptAsync(DialTarget target, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(_options.DialTimeout, _clock, cancellationToken);
        HandshakeException failure;
        try
        {
            var transport = _transports.First(t => t.CanDial(target.Address));
            var raw = await transport.DialAsync(target.Address, deadline.Token);
            var link = await _upgrader.UpgradeAsync(raw, target.Expected, deadline.Token);
            _metrics?.Dial(failure: null);
            return link;
        }
        catch (HandshakeException e)
        {
            failure = e;
        }
        catch (OperationCanceledException e) when (deadline.IsOver)
        {
            failure = new HandshakeException(HandshakeFailure.TimedOut, $"No link came about within {_options.DialTimeout.TotalSeconds:0.#} s.", e);
        }

        _metrics?.Dial(failure.Failure);
        TransportLog.DialFailed(_logger, target.Address, failure.Message);
        throw failure;
    }

    private static async Task CloseLoserAsync(Task<IConnection> loser)
    {
        await ((Task)loser).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (loser.IsCompletedSuccessfully)
            await (await loser).CloseAsync(new CloseInfo(CloseReason.DuplicateLink, "Another address of the peer answered first."), new CancellationToken(canceled: true));
    }

    private static HandshakeException Aggregate(PeerId? expected, List<DialError> errors)
    {
        var whom = expected is null ? "the peer" : expected.ToString();
        if (errors.Count == 0) return new HandshakeException(HandshakeFailure.UnsupportedAddress, $"Cannot reach {whom}: no address is known.");

        // The attempt that came furthest tells most about the peer.
        var furthest = errors.MaxBy(e => e.Why.Failure is HandshakeFailure.UnsupportedAddress ? 0 : e.Why.Failure is HandshakeFailure.TransportFailed ? 1 : e.Why.Failure is HandshakeFailure.TimedOut ? 2 : 3).Why;
        var reasons = string.Join("; ", errors.Select(e => $"{e.Address}: {e.Why.Message}"));
        return new HandshakeException(furthest.Failure, $"Cannot reach {whom}. {reasons}", errors.Count == 1 ? furthest : new AggregateException(errors.Select(e => e.Why)));
    }
}
