using Starling.Net.Links;

namespace Starling;

public sealed partial class StarlingNode
{
    private volatile NodeState _state;
    private Task? _drain;

    /// <summary>Where this node is in its life.</summary>
    public NodeState State => _state;

    /// <summary>Gets ready to stop: accepts no new links or calls, and waits for calls and messages under way. Links and topics stay. Idempotent.</summary>
    /// <remarks>For hosts that are told some time before they end. <see cref="StopAsync"/> drains by itself, for half of its time at most.</remarks>
    /// <param name="cancellationToken">Ends this wait; the node goes on draining.</param>
    public Task DrainAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_state >= NodeState.Stopping) return Task.CompletedTask;
            _state = NodeState.Draining;
            return (_drain ??= DrainCoreAsync()).WaitAsync(cancellationToken);
        }
    }

    private async Task DrainCoreAsync()
    {
        // Everything refuses from here on, before the caller gets its task.
        _parts.Swarm.AddGate(new DrainGate());
        await Task.WhenAll(_parts.Drainables.Select(part => part.DrainAsync(CancellationToken.None)));
    }

    /// <summary>Drains for as long as the time lasts.</summary>
    private async Task DrainForAsync(TimeSpan time)
    {
        using var limit = new CancellationTokenSource(time, _environment.Clock);
        await DrainAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Refuses what is new.</summary>
    private sealed class DrainGate : ILinkGate
    {
        private static readonly LinkRefusal Refusal = new(CloseReason.NodeStopping, "This node is about to stop.");

        public LinkRefusal? RefuseDial(PeerId? peer, Multiaddr address) => Refusal;

        public LinkRefusal? RefuseLink(PeerId peer, Multiaddr remote, Direction direction) => Refusal;
    }
}
