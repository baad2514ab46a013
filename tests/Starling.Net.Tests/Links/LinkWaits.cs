using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

internal static class LinkWaits
{
    /// <summary>The ready link to a peer, once there is one: the far end of a dial may be ready a little later than the near one.</summary>
    public static async Task<PeerLink> ReadyAsync(this Swarm swarm, PeerId peer)
    {
        var wait = new Wait(peer);
        using var observing = swarm.Observe(wait);
        return (PeerLink)await wait.Link.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private sealed class Wait(PeerId peer) : ILinkObserver
    {
        public TaskCompletionSource<IPeerLink> Link { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void OnConnected(IPeerLink link)
        {
            if (link.Peer.Equals(peer)) Link.TrySetResult(link);
        }

        public void OnIdentified(IPeerLink link)
        {
        }

        public void OnDisconnected(IPeerLink link, CloseInfo why)
        {
        }
    }
}
