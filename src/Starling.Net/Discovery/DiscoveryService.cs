using Microsoft.Extensions.Logging;
using Starling.Net.Links;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>Links a node to the peers that its discoveries find: the shell of <see cref="DialPlan"/>.</summary>
/// <remarks>Every member is safe for several threads. It owns neither the host nor the discoveries, but starts and stops the latter.</remarks>
public sealed class DiscoveryService : IDiscoveryObserver, ILinkObserver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private readonly ILinkHost _host;
    private readonly IReadOnlyList<IDiscovery> _discoveries;
    private readonly DialPlanOptions _options;
    private readonly TimeProvider _clock;
    private readonly RandomSource _random;
    private readonly DiscoveryMetrics _metrics;
    private readonly ILogger _logger;
    private readonly HashSet<Task> _dials = [];
    private readonly List<IDisposable> _observing = [];
    private DialPlan? _plan;
    private CancellationTokenSource? _stop;
    private ITimer? _timer;

    /// <summary>Creates a stopped service.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public DiscoveryService(
        ILinkHost host,
        IReadOnlyList<IDiscovery> discoveries,
        DialPlanOptions options,
        TimeProvider clock,
        RandomSource random,
        DiscoveryMetrics metrics,
        ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _host = host;
        _discoveries = discoveries;
        _options = options;
        _clock = clock;
        _random = random;
        _metrics = metrics;
        _logger = logger;
    }

    /// <summary>The discoveries, in the order given.</summary>
    public IReadOnlyList<IDiscovery> Discoveries => _discoveries;

    /// <summary>Starts every discovery and dials what they find. Does nothing when running already.</summary>
    /// <exception cref="StarlingException">A discovery cannot start; those that were started are stopped again.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            lock (_gate)
            {
                if (_plan is not null) return;
                _plan = new DialPlan(_host.LocalPeer, _options, _random);
                _stop = new CancellationTokenSource();
                _timer = _clock.CreateTimer(static service => ((DiscoveryService)service!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }

            try
            {
                _observing.Add(_host.Observe(this));
                foreach (var discovery in _discoveries)
                {
                    _observing.Add(discovery.Observe(this));
                    await discovery.StartAsync(cancellationToken).ConfigureAwait(false);
                }
            }
            catch
            {
                await StopCoreAsync().ConfigureAwait(false);
                throw;
            }
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>Stops the discoveries, cancels dials under way and waits for them. Links stay. Does nothing when not running.</summary>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await StopCoreAsync().ConfigureAwait(false);
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    void IDiscoveryObserver.OnFound(DiscoveredPeer peer) =>
        Decide((plan, now, effects) => plan.OnFound(peer.Source, peer.Peer, peer.Addresses, peer.IsMutual, now, effects));

    void IDiscoveryObserver.OnLost(DiscoveredPeer peer) =>
        Decide((plan, now, effects) => plan.OnLost(peer.Source, peer.Peer, peer.Addresses, now, effects));

    void ILinkObserver.OnConnected(IPeerLink link) => Decide((plan, now, _) => plan.OnConnected(link.Peer, now));

    void ILinkObserver.OnIdentified(IPeerLink link)
    {
        // What a peer says of itself does not change whether it is dialled.
    }

    void ILinkObserver.OnDisconnected(IPeerLink link, CloseInfo why) =>
        Decide((plan, now, effects) => plan.OnDisconnected(link.Peer, why.Reason == CloseReason.LocalClose, now, effects));

    private void OnTimer() => Decide(static (plan, now, effects) => plan.Tick(now, effects));

    private async Task StopCoreAsync()
    {
        CancellationTokenSource? stop;
        lock (_gate)
        {
            if (_plan is null) return;
            _plan = null;
            _timer!.Dispose();
            stop = _stop;
        }

        _observing.ForEach(one => one.Dispose());
        _observing.Clear();
        await stop!.CancelAsync().ConfigureAwait(false);
        foreach (var discovery in _discoveries) await discovery.StopAsync(CancellationToken.None).ConfigureAwait(false);
        Task[] dials;
        lock (_gate) dials = [.. _dials];
        await Task.WhenAll(dials).ConfigureAwait(false);
        stop.Dispose();
    }

    /// <summary>Asks the plan under the lock, and carries out what it wants. No dial starts under the lock.</summary>
    private void Decide(Action<DialPlan, Instant, ICollection<DialEffect>> step)
    {
        var effects = new List<DialEffect>();
        lock (_gate)
        {
            if (_plan is null) return;
            step(_plan, _clock.Now(), effects);
            foreach (var effect in effects) CarryOut(effect);
        }
    }

    private void CarryOut(DialEffect effect)
    {
        switch (effect)
        {
            case DialEffect.Dial dial:
                var token = _stop!.Token;
                var running = Task.Run(() => DialAsync(dial, token), CancellationToken.None);
                _dials.Add(running);
                _ = running.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                break;
            case DialEffect.SetTimer timer:
                SetTimer(timer.At);
                break;
            case DialEffect.Refused:
                _metrics.Refused("PlanFull");
                DiscoveryLog.PlanFull(_logger);
                break;
            default:
                throw new InvalidOperationException($"The effect {effect.GetType().Name} is not known.");
        }
    }

    private void SetTimer(Instant at)
    {
        // Timers count whole milliseconds; a tick that comes early would find nothing due.
        var wait = at == Instant.Never ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling((at - _clock.Now()).TotalMilliseconds)));
        _timer!.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void Forget(Task dial)
    {
        lock (_gate) _dials.Remove(dial);
    }

    private async Task DialAsync(DialEffect.Dial dial, CancellationToken cancellationToken)
    {
        var outcome = DialOutcome.Failed;
        PeerId? answered = null;
        try
        {
            var link = await _host.ConnectAsync(dial.Peer, dial.Addresses, cancellationToken).ConfigureAwait(false);
            (outcome, answered) = (DialOutcome.Linked, link.Peer);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
        catch (HandshakeException wrong) when (wrong.Failure == HandshakeFailure.SelfDial)
        {
            outcome = DialOutcome.Self;
        }
        catch (Exception wrong)
        {
            DiscoveryLog.DialFailed(_logger, dial.Peer?.ToString() ?? string.Join(", ", dial.Addresses), wrong);
        }

        _metrics.Dialed(outcome);
        Decide((plan, now, effects) => plan.OnDialed(dial, outcome, answered, now, effects));
    }
}
