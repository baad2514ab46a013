namespace Starling.Net.PubSub;

/// <summary>How a topic does at this node, at one moment.</summary>
/// <param name="Name">The gossip topic's name on the wire; that of a stream topic begins with <c>/starling/stream/</c>.</param>
/// <param name="Protocol">The best protocol of the router that it belongs to.</param>
/// <param name="IsFollowed">Whether this node follows it; else it only publishes to it.</param>
/// <param name="Followers">The neighbours that follow it, or a pattern that matches it.</param>
/// <param name="Mesh">Those of them in this node's mesh.</param>
/// <param name="Received">Messages taken in from neighbours.</param>
/// <param name="Sent">Copies of messages queued to neighbours, relayed ones included.</param>
/// <param name="Dropped">Copies that found a neighbour's queue full, relayed or own.</param>
/// <param name="ReceivedPerSecond">Rate of the last heartbeats, smoothed.</param>
/// <param name="SentPerSecond">Rate of the last heartbeats, smoothed.</param>
public sealed record TopicStatus(
    string Name,
    string Protocol,
    bool IsFollowed,
    IReadOnlyList<PeerId> Followers,
    IReadOnlyList<TopicMeshPeer> Mesh,
    long Received,
    long Sent,
    long Dropped,
    double ReceivedPerSecond,
    double SentPerSecond);

/// <summary>A neighbour in a topic's mesh.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Score">Its score; 0 for everybody while no scoring is configured.</param>
public readonly record struct TopicMeshPeer(PeerId Peer, double Score);
