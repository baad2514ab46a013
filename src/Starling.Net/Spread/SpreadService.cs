using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>Spreads items from neighbour to neighbour over <c>/starling/spread/1.0.0</c>, so far as their hops reach, and brings replies back. Safe for several threads.</summary>
/// <remarks>Nothing is repeated when it is lost: a neighbour whose queue is full loses the oldest, counted. Who sent an item first is asserted by
/// whoever brings it, unless its kind is <see cref="SpreadKind.Signed"/>. A slow handler, validator or neighbour never stalls the reader of a stream.</remarks>
public sealed partial class SpreadService : IAsyncDisposable
{
    private const int MaxTurns = 1024;
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(1);
    private static readonly TimeSpan TickAgain = TimeSpan.FromMilliseconds(10);
    private readonly ILinkHost _host;
    private readonly NodeIdentity _identity;
    private readonly RandomSource _random;
    private readonly SpreadCore _core;
    private readonly Turns _turns;
    private readonly Task _loop;
    private readonly ITimer _timer;
    private readonly List<SpreadEffect> _effects = [];
    private readonly BackgroundTasks _tasks;
    private readonly CancellationTokenSource _stop = new();
    private readonly IDisposable[] _registrations;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<SpreadItem>? _unverified;
    private Instant _wake = Instant.Never;
    private int _sent;
    private int _stopping;

    /// <summary>Starts: serves the protocol, follows the host's links.</summary>
    /// <param name="host">Where links and streams come from; stays the caller's and must outlive this.</param>
    /// <param name="identity">Signs what is published; stays the caller's.</param>
    /// <param name="options">The bounds; null takes the defaults. Not to be changed afterwards.</param>
    /// <param name="budget">Counts queued bytes (<see cref="ResourceKind.QueueBytes"/>); null makes one of its own.</param>
    /// <param name="clock">The clock; null takes the system's.</param>
    /// <param name="random">Chooses neighbours and ids; null takes the system's.</param>
    /// <param name="logger">Null logs nothing.</param>
    /// <param name="meters">Makes the meter; null makes one outside any factory.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the identity is not the host's.</exception>
    public SpreadService(
        ILinkHost host,
        NodeIdentity identity,
        SpreadServiceOptions? options = null,
        ResourceBudget? budget = null,
        TimeProvider? clock = null,
        RandomSource? random = null,
        ILogger<SpreadService>? logger = null,
        IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(identity);
        if (!identity.PeerId.Equals(host.LocalPeer)) throw new ArgumentException("The identity is not that of the host.", nameof(identity));
        Options = options ?? new SpreadServiceOptions();
        OptionProblems.ThrowIfAny(Options);
        (_host, _identity) = (host, identity);
        Budget = budget ?? new ResourceBudget();
        Clock = clock ?? TimeProvider.System;
        _random = (random ?? RandomSource.System).Fork("spread");
        Log = new SpreadLog(logger ?? NullLogger<SpreadService>.Instance);
        _core = new SpreadCore(host.LocalPeer, Options, _random);
        Metrics = new SpreadMetrics(meters, _core.Counters);
        (_relay, _relayUnknown, _keepsItems) = (Options.Relay, Options.RelayUnknownKinds, true);
        _tasks = new BackgroundTasks(Log.TurnFailed);
        _turns = new Turns(MaxTurns, Log.TurnFailed);
        _timer = Clock.CreateTimer(static service => ((SpreadService)service!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _loop = Task.Run(_turns.RunAsync);
        _registrations = [host.Handle(SpreadCodec.Protocol, ServeAsync, maxInboundPerPeer: 4), host.Observe(new LinkWatcher(this))];
    }

    /// <summary>What was counted so far.</summary>
    public SpreadCounters Counters => _core.Counters;

    /// <summary>Items and replies that were shed because a neighbour was slow.</summary>
    public long DroppedForSlowPeers => Metrics.DroppedFor(SpreadDrop.SlowPeer);

    /// <summary>Items and replies that were shed because a handler was slow.</summary>
    public long DroppedForSlowHandlers => Metrics.DroppedFor(SpreadDrop.SlowHandler);

    internal SpreadServiceOptions Options { get; }

    internal ResourceBudget Budget { get; }

    internal TimeProvider Clock { get; }

    internal RandomSource Random => _random;

    internal SpreadLog Log { get; }

    internal SpreadMetrics Metrics { get; }

    /// <summary>Sends an item to neighbours, who hand it on.</summary>
    /// <param name="kind">What it is. Need not be registered here.</param>
    /// <param name="payload">The kind's own bytes; the caller's again when this has returned.</param>
    /// <param name="ttl">Hops that it may make: 1 reaches the neighbours only; 0 sets no limit of its own, and <see cref="SpreadOptions.MaxTtl"/> counts in any case.</param>
    /// <param name="id">Null takes a random one.</param>
    /// <param name="cancellationToken">Ends the wait for the loop.</param>
    /// <exception cref="ObjectDisposedException">The node has stopped.</exception>
    public async ValueTask<SpreadPublishResult> PublishAsync(SpreadKind kind, ReadOnlyMemory<byte> payload, int ttl = 0, SpreadId? id = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(kind);
        ArgumentOutOfRangeException.ThrowIfZero(kind.Number, nameof(kind));
        ArgumentOutOfRangeException.ThrowIfNegative(ttl);
        cancellationToken.ThrowIfCancellationRequested();
        var item = new SpreadItem(id ?? SpreadId.New(_random), _host.LocalPeer, kind.Number, ttl, payload.ToArray());
        if (payload.Length > Options.MaxPayloadBytes) return new SpreadPublishResult(SpreadPublishStatus.TooLarge, 0, item.Key);
        if (kind.Signed) item = SpreadSignature.Sign(item, _identity);
        return await RunAsync(() => Publish(item)).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Answers an item that was delivered here; the answer goes back along the path that the item came.</summary>
    /// <param name="to">What is answered.</param>
    /// <param name="payload">The kind's own bytes, up to <see cref="SpreadOptions.MaxPayloadBytes"/>.</param>
    /// <returns>False when the item is forgotten, has had as many replies as it may, or the neighbour that brought it is gone.</returns>
    /// <exception cref="ArgumentException">The payload is too long.</exception>
    /// <exception cref="ObjectDisposedException">The node has stopped.</exception>
    public async ValueTask<bool> ReplyAsync(SpreadDelivery to, ReadOnlyMemory<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(to);
        if (payload.Length > Options.MaxPayloadBytes) throw new ArgumentException($"The reply has {payload.Length} bytes; {Options.MaxPayloadBytes} are allowed ({nameof(SpreadOptions.MaxPayloadBytes)}).", nameof(payload));
        var reply = new SpreadReply(to.Item.Key, to.Item.Kind, payload.ToArray());
        return await RunAsync(() => _core.Reply(reply, Clock.Now(), _effects)).ConfigureAwait(false);
    }

    /// <summary>Rejects an item whatever was said of it before, such as an own one that its reader refuses later: from now on it is neither offered nor handed on, and refused when it comes again.</summary>
    /// <returns>False when the item is forgotten.</returns>
    /// <exception cref="ObjectDisposedException">The node has stopped.</exception>
    public ValueTask<bool> RejectAsync(SpreadKey key) => RunAsync(() => _core.Reject(key, Clock.Now(), _effects));

    /// <summary>Completes when everything queued to neighbours so far was handed to their links.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken = default)
    {
        var queues = await RunAsync(() => _neighbours.Values.Where(one => one.Link is not null).Select(one => one.Queue.WhenDrained()).ToArray()).ConfigureAwait(false);
        await Task.WhenAll(queues).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops: what is queued to neighbours is written for up to <see cref="SpreadServiceOptions.StopTimeout"/>, then streams are closed and handlers cancelled. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _stopping, 1) != 0)
        {
            await _stopped.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            await StopAsync().ConfigureAwait(false);
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    /// <summary>Runs something in the loop's turn, carries out what the core wants, and returns what it returned.</summary>
    internal ValueTask<T> RunAsync<T>(Func<T> what) => _turns.RunAsync(() => Turn(what));

    private async Task StopAsync()
    {
        foreach (var registration in _registrations) registration.Dispose();
        try
        {
            await FlushAsync(CancellationToken.None).WaitAsync(Options.StopTimeout, Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Log.StoppedUnflushed();
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        _turns.Stop();
        await _loop.ConfigureAwait(false);
        var neighbours = _neighbours.Values.Concat(_departing).ToArray();
        foreach (var neighbour in neighbours) neighbour.Stop();
        await Task.WhenAll(neighbours.Select(one => one.Writing)).ConfigureAwait(false);
        foreach (var neighbour in neighbours) neighbour.Dispose();
        foreach (var registration in TakeRegistrations()) registration.End();
        await _tasks.WhenEmpty().WaitAsync(Options.StopTimeout, Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Metrics.Dispose();
    }

    private SpreadPublishResult Publish(SpreadItem item)
    {
        _sent = 0;
        if (!_core.Publish(item, Clock.Now(), _effects)) return new SpreadPublishResult(_core.IsRejected(item) ? SpreadPublishStatus.Rejected : SpreadPublishStatus.Duplicate, 0, item.Key);
        CarryOut();
        return new SpreadPublishResult(_sent == 0 ? SpreadPublishStatus.NoPeers : SpreadPublishStatus.Sent, _sent, item.Key);
    }

    private T Turn<T>(Func<T> what)
    {
        try
        {
            Reconcile();
            var result = what();
            CarryOut();
            return result;
        }
        finally
        {
            _effects.Clear();
            SetTimer();
        }
    }

    private void OnTimer()
    {
        // Nothing else would bring a tick back that found the line full.
        if (!_turns.TryPost(() => Turn(Tick))) _timer.Change(TickAgain, Timeout.InfiniteTimeSpan);
    }

    private bool Tick()
    {
        // A timer may go off a little before its time; it is set again then, although the core's tick is the same.
        _wake = Instant.Never;
        _core.Tick(Clock.Now(), _effects);
        return true;
    }

    private void SetTimer()
    {
        if (_core.NextTick == _wake || _stop.IsCancellationRequested) return;
        _wake = _core.NextTick;
        var wait = _wake == Instant.Never ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling((_wake - Clock.Now()).TotalMilliseconds), 0, LongestTimer.TotalMilliseconds));
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void CarryOut()
    {
        // An effect may add further ones at the end.
        for (var i = 0; i < _effects.Count; i++)
        {
            var effect = _effects[i];
            switch (effect.Kind)
            {
                case SpreadEffectKind.Send:
                    _sent++;
                    Queue(effect.Peer, new SpreadOutgoing(Item: effect.Item), SpreadCodec.SizeOf(effect.Item!));
                    break;
                case SpreadEffectKind.SendReply:
                    Queue(effect.Peer, new SpreadOutgoing(Reply: effect.Reply), SpreadCodec.SizeOf(effect.Reply!));
                    break;
                case SpreadEffectKind.SendHave:
                    Queue(effect.Peer, new SpreadOutgoing(Have: effect.Keys), effect.Keys!.Count * SpreadCodec.MaxKeyBytes);
                    break;
                case SpreadEffectKind.SendWant:
                    Queue(effect.Peer, new SpreadOutgoing(Want: effect.Keys), effect.Keys!.Count * SpreadCodec.MaxKeyBytes);
                    break;
                case SpreadEffectKind.Deliver:
                    RegistrationOf(effect.Item!.Kind)?.Deliver(new SpreadDelivery(effect.Item, effect.Peer));
                    break;
                case SpreadEffectKind.DeliverReply:
                    RegistrationOf(effect.Reply!.Kind)?.Deliver(new SpreadAnswer(effect.Reply.To, effect.Reply.Payload, effect.Peer));
                    break;
                case SpreadEffectKind.Verify:
                    _unverified!.Add(effect.Item!);
                    break;
                case SpreadEffectKind.Validate:
                    BeginValidation(effect.Item!, effect.Peer);
                    break;
                case SpreadEffectKind.StopValidating:
                    EndValidation(effect.Item!.Key);
                    break;
                default:
                    Tell(effect.Peer, effect.Item?.Kind ?? 0, effect.Why);
                    break;
            }
        }

        _effects.Clear();
    }

    private void Queue(PeerId peer, SpreadOutgoing what, int size)
    {
        if (_neighbours.TryGetValue(peer, out var neighbour)) Metrics.Dropped(SpreadDrop.SlowPeer, neighbour.Queue.Add(what, size));
    }
}
