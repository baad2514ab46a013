using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <content>The verdicts of validators.</content>
public sealed partial class SpreadService
{
    private readonly Dictionary<SpreadKey, SpreadVote> _validating = [];
    private int _running;

    /// <summary>Adds a validator to a kind; each has a say in every item that comes from now on. One that rejects decides at once and for good; else an item is accepted when all have judged and at least one accepts.</summary>
    /// <param name="kind">A kind that is registered; the validator goes with its registration.</param>
    /// <param name="validate">As <see cref="SpreadHandlers.Validate"/>.</param>
    /// <returns>Disposing takes the validator away; the verdicts that it still owes count as <see cref="SpreadVerdict.Ignore"/> and are asked for no longer.</returns>
    /// <exception cref="InvalidOperationException">Nobody has registered the kind.</exception>
    public IDisposable AddValidator(SpreadKind kind, Func<SpreadDelivery, CancellationToken, ValueTask<SpreadVerdict>> validate)
    {
        ArgumentNullException.ThrowIfNull(kind);
        ArgumentNullException.ThrowIfNull(validate);
        lock (_gate)
        {
            if (!_registered.TryGetValue(kind.Number, out var registration)) throw new InvalidOperationException($"The spread kind '{kind.Name}' ({kind.Number}) is not registered; register it before its validators.");
            var validator = registration.Add(validate, gone =>
            {
                lock (_gate)
                {
                    registration.Remove(gone);
                    _changedKinds.Add(kind.Number);
                }

                Wake();
            });
            _changedKinds.Add(kind.Number);
            Wake();
            return validator;
        }
    }

    private void BeginValidation(SpreadItem item, PeerId from)
    {
        SpreadValidator[] validators;
        lock (_gate) validators = _registered.GetValueOrDefault(item.Kind)?.Validators ?? [];
        if (validators.Length == 0)
        {
            _core.Judge(item.Key, SpreadVerdict.Ignore, Clock.Now(), _effects);
            return;
        }

        // Validators that go on after their time is over count as well.
        if (Volatile.Read(ref _running) >= Options.MaxPendingValidations)
        {
            _core.Refuse(SpreadRefusal.ValidationBusy);
            Tell(from, item.Kind, SpreadRefusal.ValidationBusy);
            _core.Judge(item.Key, SpreadVerdict.Ignore, Clock.Now(), _effects);
            return;
        }

        Interlocked.Increment(ref _running);
        _core.Expect(item.Key, validators.Length);
        var vote = new SpreadVote(new SpreadDelivery(item, from), validators.Length, _stop.Token).Begin();
        _validating[item.Key] = vote;
        foreach (var validator in validators) _tasks.Run(() => ValidateAsync(validator, vote));
    }

    private void EndValidation(SpreadKey key)
    {
        if (_validating.Remove(key, out var vote)) _tasks.Run(vote.CancelAsync);
    }

    private async Task ValidateAsync(SpreadValidator validator, SpreadVote vote)
    {
        var verdict = await AskAsync(validator, vote).ConfigureAwait(false);
        if (Interlocked.Decrement(ref vote.Owing) == 0) Interlocked.Decrement(ref _running);
        try
        {
            await RunAsync(() => Judge(vote, verdict)).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            Log.CameAfterStop("a verdict");
        }
    }

    private async ValueTask<SpreadVerdict> AskAsync(SpreadValidator validator, SpreadVote vote)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(vote.Time, validator.Gone);
        try
        {
            return await validator.Validate(vote.Delivery, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // The core knows of the end of the wait, or learns that this one abstains.
        }
#pragma warning disable CA1031 // A user's validator may throw anything.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Metrics.Dropped(SpreadDrop.ValidatorFailed);
            Log.ValidatorFailed(RegistrationOf(vote.Delivery.Item.Kind)?.Kind.Name ?? "an unregistered kind", error);
        }

        return SpreadVerdict.Ignore;
    }

    private bool Judge(SpreadVote vote, SpreadVerdict verdict)
    {
        var key = vote.Delivery.Item.Key;
        var isLast = ++vote.Counted == vote.Voters;
        if (_validating.TryGetValue(key, out var present) && ReferenceEquals(present, vote))
        {
            if (isLast) _validating.Remove(key);
            _core.Judge(key, verdict, Clock.Now(), _effects);
        }

        if (isLast) vote.Dispose();
        return true;
    }
}

/// <summary>The verdicts on one item.</summary>
internal sealed class SpreadVote(SpreadDelivery delivery, int voters, CancellationToken stop) : IDisposable
{
    private readonly CancellationTokenSource _time = CancellationTokenSource.CreateLinkedTokenSource(stop);

    /// <summary>Validators that have not returned; changed from any thread.</summary>
    public int Owing = voters;

    public SpreadDelivery Delivery { get; } = delivery;

    public int Voters { get; } = voters;

    /// <summary>Verdicts that the core was told of; used in the loop's turn.</summary>
    public int Counted { get; set; }

    /// <summary>Cancelled when no verdict is needed any more.</summary>
    public CancellationToken Time { get; private set; }

    public SpreadVote Begin()
    {
        Time = _time.Token;
        return this;
    }

    public async Task CancelAsync()
    {
        try
        {
            await _time.CancelAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // All have judged meanwhile.
        }
    }

    public void Dispose() => _time.Dispose();
}

/// <summary>One who has a say in the items of a kind.</summary>
internal sealed class SpreadValidator(Func<SpreadDelivery, CancellationToken, ValueTask<SpreadVerdict>> validate, Action<SpreadValidator> leave) : IDisposable
{
    private readonly CancellationTokenSource _gone = new();
    private int _disposed;

    public Func<SpreadDelivery, CancellationToken, ValueTask<SpreadVerdict>> Validate => validate;

    public CancellationToken Gone => _gone.Token;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        leave(this);
        _gone.Cancel();
    }
}
