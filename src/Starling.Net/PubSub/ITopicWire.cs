using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Which router a topic belongs to. Each has its own neighbours, streams and protocol ids.</summary>
internal enum TopicFamily
{
    /// <summary>Gossipsub as every libp2p peer speaks it: each gossip message is signed by its origin.</summary>
    LibP2P,

    /// <summary>The same router between Starling nodes: nothing is signed, and only the members of a topic meet it.</summary>
    Starling,
}

/// <summary>A topic as it is named on the wire.</summary>
/// <param name="Family">Whose topic it is.</param>
/// <param name="Name">The gossip topic; see <c>TopicNames</c> for that of a stream topic. A pattern is followed as any other name.</param>
internal readonly record struct WireTopic(TopicFamily Family, string Name);

/// <summary>Takes a topic's messages in.</summary>
internal interface ITopicSink
{
    /// <summary>Whether those who bring messages are to wait for <see cref="RoomAsync"/>.</summary>
    bool IsFull { get; }

    /// <summary>Takes a message. Called in the router's turn, in the order of acceptance: it returns at once, takes no lock that is held while the wire is called, and never throws.</summary>
    /// <param name="message">Its bytes may be kept and are never overwritten.</param>
    /// <param name="from">The neighbour that brought it; this node itself for its own message.</param>
    void Deliver(PubSubMessage message, PeerId from);

    /// <summary>Completes when nobody needs to wait for this sink any more: it has room, has ended, or has made others wait for as long as it may. Never fails.</summary>
    Task RoomAsync();

    /// <summary>The wire has stopped; nothing more comes.</summary>
    void Stopped();
}

/// <summary>Is told when the wire no longer holds a message of this node.</summary>
internal interface IReleaseObserver
{
    /// <summary>No queue holds the message any more: it was written to everybody it went to, or its link ended, or it was sent to nobody.</summary>
    /// <remarks>Called exactly once for each call of <see cref="ITopicWire.Publish"/>, whatever its outcome, perhaps before that returns and then on its thread;
    /// with no lock of the wire held, so it may publish the next one. It returns at once and never throws.</remarks>
    void Released();
}

/// <summary>Judges a topic's messages before they are delivered or handed on.</summary>
internal interface ITopicValidator
{
    /// <summary>Judges one message of a neighbour. Called outside the router's turn, many at once; what it throws counts as <see cref="PubSubVerdict.Ignore"/>, and so does taking too long.</summary>
    ValueTask<PubSubVerdict> ValidateAsync(PubSubMessage message, PeerId from, CancellationToken cancellationToken);
}

/// <summary>Is told who follows what.</summary>
internal interface IFollowerObserver
{
    /// <summary>A neighbour follows a topic or pattern from now on, or no longer. Called in the router's turn, as <see cref="ITopicSink.Deliver"/> is.</summary>
    void OnFollower(WireTopic topic, PeerId peer, bool follows);
}

/// <summary>What became of one gossip message of this node.</summary>
/// <param name="Status">The outcome.</param>
/// <param name="Recipients">Neighbours that it was queued to.</param>
/// <param name="Missed">Neighbours that did not get it because their queue was full.</param>
/// <param name="Message">The message as it was numbered and signed; null when it was not.</param>
internal readonly record struct WirePublish(PublishStatus Status, int Recipients = 0, int Missed = 0, PubSubMessage? Message = null);

/// <summary>Gossip topics of both families, as topic streams, groups and pairing use them. Safe for several threads; no call waits.</summary>
internal interface ITopicWire
{
    PeerId LocalPeer { get; }

    /// <summary>Sets who may know of a topic of the Starling family: only members are told of it, sent to and believed. Before its first use; again to change it.</summary>
    void Admit(WireTopic topic, IReadOnlySet<PeerId> members);

    /// <summary>Follows a topic, or every topic that a pattern matches, as long as it has a sink. Disposing takes the sink away.</summary>
    /// <exception cref="ArgumentException">The name cannot be a topic's.</exception>
    /// <exception cref="InvalidOperationException">The node follows as many topics as it may.</exception>
    /// <exception cref="ObjectDisposedException">The node has stopped.</exception>
    IDisposable Follow(WireTopic topic, ITopicSink sink);

    /// <summary>Hands a topic's messages on although nothing of this node follows it. Disposing ends it.</summary>
    /// <inheritdoc cref="Follow" path="/exception"/>
    IDisposable Relay(WireTopic topic);

    /// <summary>Has a topic's messages judged before they spread: those of neighbours, not this node's own. Disposing ends it.</summary>
    /// <exception cref="InvalidOperationException">The topic has a validator already.</exception>
    IDisposable Validate(WireTopic topic, ITopicValidator validator);

    /// <summary>Asks the topic's validator, if it has one, about a message that came another way than by gossip.</summary>
    ValueTask<bool> IsAcceptedAsync(WireTopic topic, PubSubMessage message, PeerId from);

    /// <summary>Numbers, signs and sends one gossip message. The data is copied. Messages go out in the order of the calls.</summary>
    /// <param name="topic">Where to.</param>
    /// <param name="data">What a gossip message carries.</param>
    /// <param name="waited">Whether <see cref="RoomAsync"/> has said that there is room: what relaying took since then is not held against the message.</param>
    /// <param name="observer">Told when the message is held no longer.</param>
    WirePublish Publish(WireTopic topic, ReadOnlySpan<byte> data, bool waited, IReleaseObserver? observer);

    /// <summary>Null when every neighbour that follows the topic has room for a message with so many bytes of data, else completes when one of them has made some: ask again then.</summary>
    Task? RoomAsync(WireTopic topic, int size);

    /// <summary>The most bytes of data that a gossip message of this topic carries.</summary>
    int MaxData(WireTopic topic);

    /// <summary>The topics and patterns that this node follows. The list does not change afterwards, and is the same one until they do.</summary>
    IReadOnlyList<WireTopic> Followed { get; }

    /// <summary>Who may know of a topic; null for everybody.</summary>
    IReadOnlySet<PeerId>? MembersOf(WireTopic topic);

    /// <summary>The neighbours that follow a topic, or a pattern that matches it.</summary>
    IReadOnlyList<PeerId> Followers(WireTopic topic);

    /// <summary>Completes once at least so many neighbours follow a topic, or a pattern that matches it.</summary>
    /// <exception cref="ObjectDisposedException">The node stopped while waiting.</exception>
    Task WaitForFollowersAsync(WireTopic topic, int count, CancellationToken cancellationToken);

    /// <summary>Tells of every change from now on; who follows what already is told first. Disposing ends it.</summary>
    IDisposable Observe(IFollowerObserver observer);
}
