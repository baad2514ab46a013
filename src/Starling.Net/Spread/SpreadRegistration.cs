using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <summary>A registered kind: its handlers and what waits for them.</summary>
internal sealed class SpreadRegistration : IDisposable
{
    private readonly SpreadService _service;
    private readonly Action<SpreadRegistration> _forget;
    private readonly ShedQueue<object> _queue;
    private readonly CancellationTokenSource _end = new();
    private SpreadValidator[] _validators = [];
    private int _ended;

    public SpreadRegistration(SpreadKind kind, SpreadHandlers handlers, SpreadService service, Action<SpreadRegistration> forget)
    {
        (Kind, Handlers, _service, _forget) = (kind, handlers, service, forget);
        _queue = new ShedQueue<object>(service.Options.MaxQueued, service.Options.MaxHandlerQueueBytes, service.Budget);
        if (handlers.Validate is { } validate) Add(validate, _ => { });
    }

    public SpreadKind Kind { get; }

    public SpreadHandlers Handlers { get; }

    public SpreadRules Rules => Kind.Rules(deliver: Handlers.OnItem is not null, validate: _validators.Length > 0);

    /// <summary>Who has a say now; the array does not change afterwards. Used, like what changes it, under the service's lock.</summary>
    public SpreadValidator[] Validators => _validators;

    public SpreadValidator Add(Func<SpreadDelivery, CancellationToken, ValueTask<SpreadVerdict>> validate, Action<SpreadValidator> leave)
    {
        var validator = new SpreadValidator(validate, leave);
        _validators = [.. _validators, validator];
        return validator;
    }

    public void Remove(SpreadValidator validator) => _validators = [.. _validators.Where(one => one != validator)];

    public void Deliver(SpreadDelivery item) => Add(item, item.Payload.Length);

    public void Deliver(SpreadAnswer answer)
    {
        if (Handlers.OnReply is not null) Add(answer, answer.Payload.Length);
    }

    /// <summary>Calls the handlers, one after the other, until the registration ends.</summary>
    public async Task RunAsync()
    {
        var size = 0;
        try
        {
            while (true)
            {
                await _queue.WaitAsync(_end.Token).ConfigureAwait(false);
                if (!_queue.TryTake(int.MaxValue, out var next, out size)) continue;
                await CallAsync(next).ConfigureAwait(false);
                _queue.Done(size);
                size = 0;
            }
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            _queue.Close(size);
        }
    }

    /// <summary>Cancels what runs, verdicts included, and drops what waits.</summary>
    public void End()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;
        _end.Cancel();
        foreach (var validator in _validators) validator.Dispose();
    }

    public void Dispose()
    {
        if (Volatile.Read(ref _ended) != 0) return;
        _forget(this);
        End();
    }

    private void Add(object what, int size)
    {
        var shed = _queue.Add(what, size);
        _service.Metrics.Dropped(SpreadDrop.SlowHandler, shed);
        _service.TellDropped(Kind, shed);
    }

    private async ValueTask CallAsync(object what)
    {
        try
        {
            if (what is SpreadDelivery item) await Handlers.OnItem!(item, _end.Token).ConfigureAwait(false);
            else await Handlers.OnReply!((SpreadAnswer)what, _end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            throw;
        }
#pragma warning disable CA1031 // A user's handler may throw anything; the next item is handled all the same.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _service.Metrics.Dropped(SpreadDrop.HandlerFailed);
            _service.Log.HandlerFailed(Kind.Name, error);
        }
    }
}
