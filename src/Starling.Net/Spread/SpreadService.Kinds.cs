using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <content>Kinds: who handles them, which of them are relayed, and the verdicts of their validators.</content>
public sealed partial class SpreadService
{
    private readonly Dictionary<uint, SpreadRegistration> _registered = [];
    private readonly Dictionary<uint, bool> _relayed = [];
    private readonly HashSet<uint> _changedKinds = [];
    private readonly Dictionary<SpreadKey, CancellationTokenSource> _validating = [];
    private int _runningValidators;
    private bool _relay;

    /// <summary>Whether this node hands on what others send; changed live. It receives, delivers and publishes in any case.</summary>
    public bool Relay
    {
        get
        {
            lock (_gate) return _relay;
        }

        set
        {
            lock (_gate) _relay = value;
            Wake();
        }
    }

    /// <summary>The kinds that are registered now.</summary>
    public IReadOnlyList<SpreadKind> Kinds
    {
        get
        {
            lock (_gate) return [.. _registered.Values.Select(one => one.Kind)];
        }
    }

    /// <summary>Takes the items of a kind from now on. Disposing ends that.</summary>
    /// <exception cref="InvalidOperationException">The number is registered already, or there are as many kinds as may be (<see cref="SpreadOptions.MaxKinds"/>).</exception>
    public IDisposable Register(SpreadKind kind, SpreadHandlers handlers)
    {
        ArgumentNullException.ThrowIfNull(kind);
        ArgumentNullException.ThrowIfNull(handlers);
        ArgumentOutOfRangeException.ThrowIfZero(kind.Number, nameof(kind));
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _stopping) != 0, this);
        lock (_gate)
        {
            if (_registered.TryGetValue(kind.Number, out var known)) throw new InvalidOperationException($"Kind {kind.Number} is registered already, as '{known.Kind.Name}'; dispose that registration first or choose another number.");
            CheckRoom(kind.Number);
            var registration = new SpreadRegistration(kind, handlers, this, Forget);
            _registered.Add(kind.Number, registration);
            _changedKinds.Add(kind.Number);
            _tasks.Run(registration.RunAsync);
            Wake();
            return registration;
        }
    }

    /// <summary>Chooses whether a kind is handed on, whatever its registration says, also one that nobody registered here; null leaves it to the registration again.</summary>
    /// <exception cref="InvalidOperationException">There are as many kinds as may be (<see cref="SpreadOptions.MaxKinds"/>).</exception>
    public void SetRelay(uint kind, bool? relay)
    {
        lock (_gate)
        {
            if (relay is { } chosen)
            {
                CheckRoom(kind);
                _relayed[kind] = chosen;
            }
            else
            {
                _relayed.Remove(kind);
            }

            _changedKinds.Add(kind);
        }

        Wake();
    }

    /// <summary>The registration of a kind, or null.</summary>
    internal SpreadRegistration? RegistrationOf(uint kind)
    {
        lock (_gate) return _registered.GetValueOrDefault(kind);
    }

    private void CheckRoom(uint kind)
    {
        if (_registered.ContainsKey(kind) || _relayed.ContainsKey(kind)) return;
        if (_registered.Keys.Union(_relayed.Keys).Count() >= Options.MaxKinds) throw new InvalidOperationException($"There are {Options.MaxKinds} kinds, the most that is allowed ({nameof(SpreadOptions.MaxKinds)}).");
    }

    private SpreadRules? RulesOf(uint kind)
    {
        var rules = _registered.TryGetValue(kind, out var registration) ? registration.Rules : null;
        return _relayed.TryGetValue(kind, out var relay) ? (rules ?? new SpreadRules()) with { Relay = relay } : rules;
    }

    private void Forget(SpreadRegistration registration)
    {
        lock (_gate)
        {
            if (_registered.GetValueOrDefault(registration.Kind.Number) != registration) return;
            _registered.Remove(registration.Kind.Number);
            _changedKinds.Add(registration.Kind.Number);
        }

        Wake();
    }

    private SpreadRegistration[] TakeRegistrations()
    {
        lock (_gate) return [.. _registered.Values];
    }

    private void BeginValidation(SpreadItem item, PeerId from)
    {
        if (RegistrationOf(item.Kind)?.Handlers.Validate is not { } validate)
        {
            _core.Judge(item.Key, SpreadVerdict.Ignore, Clock.Now(), _effects);
            return;
        }

        // Validators that go on after their time is over count as well.
        if (Volatile.Read(ref _runningValidators) >= Options.MaxPendingValidations)
        {
            _core.Refuse(SpreadRefusal.ValidationBusy);
            _core.Judge(item.Key, SpreadVerdict.Ignore, Clock.Now(), _effects);
            return;
        }

        Interlocked.Increment(ref _runningValidators);
        var time = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _validating[item.Key] = time;
        _tasks.Run(() => ValidateAsync(new SpreadDelivery(item, from), validate, time));
    }

    private void EndValidation(SpreadKey key)
    {
        if (_validating.Remove(key, out var time)) _tasks.Run(time.CancelAsync);
    }

    private async Task ValidateAsync(SpreadDelivery delivery, Func<SpreadDelivery, CancellationToken, ValueTask<SpreadVerdict>> validate, CancellationTokenSource time)
    {
        var verdict = SpreadVerdict.Ignore;
        try
        {
            verdict = await validate(delivery, time.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
        {
            // The core has counted the end of the wait.
        }
#pragma warning disable CA1031 // A user's validator may throw anything.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Metrics.Dropped(SpreadDrop.ValidatorFailed);
            Log.ValidatorFailed(RegistrationOf(delivery.Item.Kind)?.Kind.Name ?? "an unregistered kind", error);
        }

        Interlocked.Decrement(ref _runningValidators);
        try
        {
            await RunAsync(() => Judge(delivery.Item.Key, verdict, time)).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            Log.CameAfterStop("a verdict");
        }
    }

    private bool Judge(SpreadKey key, SpreadVerdict verdict, CancellationTokenSource time)
    {
        if (_validating.TryGetValue(key, out var present) && ReferenceEquals(present, time)) _validating.Remove(key);
        if (!time.IsCancellationRequested) _core.Judge(key, verdict, Clock.Now(), _effects);
        time.Dispose();
        return true;
    }
}
