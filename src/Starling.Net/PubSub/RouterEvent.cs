using System.Threading.Tasks.Sources;

namespace Starling.Net.PubSub;

/// <summary>One thing that happens to the router, run in its turn. May be used again once its completion was awaited.</summary>
internal abstract class RouterEvent : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _done = new() { RunContinuationsAsynchronously = true };

    public ValueTask Completion => new(this, _done.Version);

    public void Renew() => _done.Reset();

    public abstract void Run(TopicRouter router);

    public void Done() => _done.SetResult(true);

    public void Fail(Exception error) => _done.SetException(error);

    void IValueTaskSource.GetResult(short token) => _done.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _done.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _done.OnCompleted(continuation, state, token, flags);
}

/// <summary>Something rare, as a delegate.</summary>
internal sealed class RouterCall(Action<TopicRouter> run) : RouterEvent
{
    public override void Run(TopicRouter router) => run(router);
}
