using Starling.Gateways.Gossip;

namespace Starling.Gateways.Tests;

/// <summary>Reads the events of an API from its own creation on.</summary>
internal sealed class EventWatch(GossipApi api) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly IAsyncEnumerator<GossipEvent> _events = api.EventsAsync().GetAsyncEnumerator();

    /// <summary>The next event of this kind that is as wanted; those before it are passed over.</summary>
    public async Task<T> NextAsync<T>(Predicate<T>? wanted = null)
        where T : GossipEvent
    {
        while (await _events.MoveNextAsync().AsTask().WaitAsync(Patience))
        {
            if (_events.Current is T found && (wanted is null || wanted(found))) return found;
        }

        throw new InvalidOperationException("The API has stopped.");
    }

    // Only called between two events, when nothing is pending; a pending one ends with the API.
    public void Dispose() => _ = _events.DisposeAsync().AsTask();
}
