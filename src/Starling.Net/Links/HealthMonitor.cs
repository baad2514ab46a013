using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>What a node thinks of a link.</summary>
public enum LinkHealth
{
    /// <summary>The peer was heard of, or has time to answer.</summary>
    Alive,

    /// <summary>The peer owes an answer for longer than its round trips explain.</summary>
    Suspect,

    /// <summary>The peer was given up; the link is being closed.</summary>
    Dead,
}

/// <summary>Watches the ready links of a host: pings the silent, measures round trips, closes the dead. The shell of <see cref="HealthCore"/>.</summary>
/// <remarks>One timer for all links and no task per link. Links that are not ready are the multiplexer's own keep-alive's business.</remarks>
public sealed class HealthMonitor : ILinkObserver, IAsyncDisposable
{
    private readonly HealthOptions _options;
    private readonly HealthLimits _limits;
    private readonly TimeProvider _clock;
    private readonly Action<IPeerLink, LinkHealth>? _onChange;
    private readonly ILogger _logger;
    private readonly HealthMetrics _metrics;
    private readonly Lock _gate = new();
    private readonly HealthCore _core;
    private readonly ConcurrentDictionary<IPeerLink, HealthTarget> _targets = new();
    private readonly List<(IPeerLink Link, HealthVerdict Verdict)> _verdicts = [];
    private readonly BackgroundTasks _closing;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ITimer _timer;
    private readonly IDisposable _observing;
    private TimeSpan _pauses = GC.GetTotalPauseDuration();

    /// <summary>Begins to watch.</summary>
    /// <param name="host">Whose links.</param>
    /// <param name="options">Null takes the defaults; not changed afterwards.</param>
    /// <param name="clock">Null is the system's.</param>
    /// <param name="onChange">Told when a link's health changes, one call at a time; must return at once and never throw.</param>
    /// <param name="logger">Where changes are told, or null.</param>
    /// <param name="meters">Makes the meter <c>Starling.Health</c>, or null.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public HealthMonitor(ILinkHost host, HealthOptions? options = null, TimeProvider? clock = null, Action<IPeerLink, LinkHealth>? onChange = null, ILogger? logger = null, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        _options = options ?? new HealthOptions();
        OptionProblems.ThrowIfAny(_options);
        _limits = _options.Limits();
        _clock = clock ?? TimeProvider.System;
        (_onChange, _logger) = (onChange, logger ?? NullLogger.Instance);
        _core = new HealthCore(_limits, _clock.Now());
        _metrics = new HealthMetrics(meters, () => _core.Local.Score);
        _closing = new BackgroundTasks(error => HealthLog.TaskFault(_logger, error));
        _timer = _clock.CreateTimer(static monitor => ((HealthMonitor)monitor!).OnTimer(), this, _limits.Round, Timeout.InfiniteTimeSpan);
        _observing = host.Observe(this);
    }

    /// <summary>How well this node itself is: 0, or more while its own timers fire late, up to <see cref="HealthOptions.LocalHealthMaximum"/>.</summary>
    public int LocalScore
    {
        get { lock (_gate) return _core.Local.Score; }
    }

    /// <inheritdoc/>
    void ILinkObserver.OnConnected(IPeerLink link)
    {
        lock (_gate) _targets[link] = _core.Add(link.Connection.Traffic.LastReceived);
    }

    /// <inheritdoc/>
    void ILinkObserver.OnIdentified(IPeerLink link)
    {
    }

    /// <inheritdoc/>
    void ILinkObserver.OnDisconnected(IPeerLink link, CloseInfo why) => _targets.TryRemove(link, out _);

    /// <summary>Stops watching and waits until links that are being closed are gone.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested) return;
        _observing.Dispose();
        await _timer.DisposeAsync();
        await _stopping.CancelAsync();
        await _closing.WhenEmpty();
        _metrics.Dispose();
    }

    private void OnTimer()
    {
        if (_stopping.IsCancellationRequested) return;
        try
        {
            Round();
        }
        catch (Exception error)
        {
            HealthLog.TaskFault(_logger, error);
        }

        _timer.Change(_limits.Round, Timeout.InfiniteTimeSpan);
    }

    private void Round()
    {
        var now = _clock.Now();
        var pauses = GC.GetTotalPauseDuration();
        TimeSpan lost;
        lock (_gate)
        {
            lost = _core.BeginRound(now, pauses - _pauses);
            foreach (var (link, target) in _targets)
            {
                var verdict = _core.Check(target, link.Connection.Traffic.LastReceived, (link as PeerLink)?.RoundTrip, now);
                if (verdict != HealthVerdict.None) _verdicts.Add((link, verdict));
            }
        }

        _pauses = pauses;
        if (lost > _limits.Interval) HealthLog.HeldUp(_logger, lost.TotalSeconds);
        _metrics.Lost(lost);
        foreach (var (link, verdict) in _verdicts) CarryOut(link, verdict, now);
        _verdicts.Clear();
    }

    private void CarryOut(IPeerLink link, HealthVerdict verdict, Instant now)
    {
        if (!_targets.TryGetValue(link, out var target)) return;
        switch (verdict)
        {
            case HealthVerdict.Ping:
                _ = PingAsync(link, target);
                break;
            case HealthVerdict.Suspect:
                Change(link, LinkHealth.Suspect);
                HealthLog.Suspect(_logger, link.Peer, Silence(link, now).TotalSeconds);
                break;
            case HealthVerdict.Recovered:
                Change(link, LinkHealth.Alive);
                HealthLog.Recovered(_logger, link.Peer);
                break;
            case HealthVerdict.Dead:
                if (!_targets.TryRemove(link, out _)) break;
                Change(link, LinkHealth.Dead);
                var silence = Silence(link, now).TotalSeconds;
                HealthLog.Dead(_logger, link.Peer, silence);
                _closing.Run(() => CloseAsync(link, silence));
                break;
        }
    }

    private void Change(IPeerLink link, LinkHealth health)
    {
        if (link is PeerLink own) own.Health = health;
        _metrics.Changed(health);
        try
        {
            _onChange?.Invoke(link, health);
        }
        catch (Exception error)
        {
            // Whoever is told may throw: this link and the others are judged all the same.
            HealthLog.TaskFault(_logger, error);
        }
    }

    private static TimeSpan Silence(IPeerLink link, Instant now) => now - link.Connection.Traffic.LastReceived;

    private async Task PingAsync(IPeerLink link, HealthTarget target)
    {
        var answered = false;
        try
        {
            var time = await link.Connection.PingAsync(_stopping.Token);
            answered = true;
            bool useful;
            lock (_gate) useful = _core.Answered(target);
            if (useful) (link as PeerLink)?.AddRoundTrip(time);
        }
        catch (Exception error) when (error is ConnectionClosedException or OperationCanceledException)
        {
            // The link's end is reported by the one who watches it.
        }
        catch (Exception error)
        {
            HealthLog.TaskFault(_logger, error);
        }

        _metrics.Pinged(answered);
    }

    private async Task CloseAsync(IPeerLink link, double silence)
    {
        using var time = new CancellationTokenSource(_options.CloseTimeout, _clock);
        await link.Connection.CloseAsync(new CloseInfo(CloseReason.KeepAliveTimeout, $"nothing came for {silence:0.#} s, nor an answer to a ping"), time.Token);
    }
}
