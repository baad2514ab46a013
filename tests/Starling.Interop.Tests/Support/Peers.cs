using Starling.Net.Links;
using Starling.Net.PubSub;

namespace Starling.Interop.Tests.Support;

/// <summary>What the tests ask of a Starling node, each with a limit of time.</summary>
internal static class Peers
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A node on loopback that speaks both security protocols.</summary>
    public static Task<StarlingNode> StartAsync() => StarlingNode.StartAsync(cancellationToken: Token).WaitAsync(Patience, Token);

    /// <summary>Dials an address with a peer id.</summary>
    public static Task<PeerLink> DialAsync(this StarlingNode node, string address) => node.ConnectAsync(address, Token).WaitAsync(Patience, Token);

    /// <summary>The link to a peer, once it is ready.</summary>
    public static async Task<PeerLink> LinkedAsync(this StarlingNode node, PeerId peer)
    {
        await foreach (var happened in node.EventsAsync(Token).WithCancellation(Token))
        {
            if (happened is NodeEvent.Connected { Link: var link } && link.Peer.Equals(peer)) return link;
        }

        throw new InvalidOperationException("The node stopped.");
    }

    /// <summary>The first message of a subscription.</summary>
    public static async Task<TopicMessage> FirstAsync(this TopicSubscription subscription)
    {
        await foreach (var message in subscription) return message;
        throw new InvalidOperationException("The subscription ended without a message.");
    }

    /// <summary>Waits for a node's answer, but not for ever.</summary>
    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Patience, Token);

    /// <inheritdoc cref="Soon{T}(Task{T})"/>
    public static Task Soon(this Task task) => task.WaitAsync(Patience, Token);
}
