using Starling.Net.PubSub;
using Starling.Net.PubSub.Groups;

namespace Starling;

/// <content>Queue groups, and requests over topics.</content>
public sealed partial class StarlingNode
{
    /// <summary>The queue groups that this node takes part in.</summary>
    public TopicGroups Groups => _parts.Groups;

    /// <summary>Requests over topics, with what waits for answers.</summary>
    public TopicRequests TopicRequests => _parts.TopicRequests;

    /// <summary>Takes part in a group of competing consumers: each message of the topic is handled by one member, and by another one when that does not acknowledge it in time.</summary>
    /// <param name="topic">The topic or pattern. Several groups on one topic each get every message; who publishes need not know of any.</param>
    /// <param name="group">The group's name, up to 64 characters. A node is in each group at most once.</param>
    /// <param name="options">Null takes the defaults. Copied.</param>
    /// <param name="cancellationToken">Ends this call, not the membership.</param>
    /// <returns>The membership: read the messages that fall to it and acknowledge each; dispose it to leave.</returns>
    /// <exception cref="ArgumentException">The topic, the group's name or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">This node is in the group already, or follows as many topics as it may.</exception>
    public async ValueTask<GroupMember> JoinGroupAsync(Topic topic, string group, GroupJoinOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _parts.Groups.JoinAsync(topic, group, options);
    }

    /// <summary>Takes part in a group of competing consumers with a handler: returning acknowledges a message, an exception gives it to another member.</summary>
    /// <param name="topic">The topic or pattern.</param>
    /// <param name="group">The group's name, up to 64 characters.</param>
    /// <param name="handler">Called for up to <see cref="Protocols.Groups.GroupOptions.MaxInFlight"/> messages at the same time.</param>
    /// <param name="options">Null takes the defaults. Copied.</param>
    /// <param name="cancellationToken">Ends this call, not the membership.</param>
    /// <returns>The membership; dispose it to leave.</returns>
    /// <inheritdoc cref="JoinGroupAsync(Topic, string, GroupJoinOptions?, CancellationToken)" path="/exception"/>
    public async ValueTask<GroupMember> JoinGroupAsync(Topic topic, string group, GroupHandler handler, GroupJoinOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _parts.Groups.JoinAsync(topic, group, handler, options);
    }

    /// <summary>Asks whoever answers a topic and returns the first answer.</summary>
    /// <param name="topic">The topic; no pattern.</param>
    /// <param name="payload">The request; copied.</param>
    /// <param name="timeout">For how long to wait; the responder is told. Null waits 10 seconds.</param>
    /// <param name="cancellationToken">Gives the request up; responders are told.</param>
    /// <exception cref="TopicRequestException">There is no answer; its <see cref="TopicRequestException.Failure"/> says why, at once when nobody answers the topic.</exception>
    public ValueTask<TopicAnswer> RequestTopicAsync(Topic topic, ReadOnlyMemory<byte> payload, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _parts.TopicRequests.RequestAsync(topic, payload, timeout, cancellationToken);

    /// <summary>Asks whoever answers a topic and returns answers as they come, until there are enough or the time is over.</summary>
    /// <param name="topic">The topic; no pattern.</param>
    /// <param name="payload">The request.</param>
    /// <param name="count">Answers wanted at most, from 1 to 10,000.</param>
    /// <param name="timeout">For how long to gather; null gathers for 10 seconds.</param>
    /// <param name="cancellationToken">Ends the sequence; responders are told.</param>
    public IAsyncEnumerable<TopicAnswer> GatherTopicAsync(Topic topic, ReadOnlyMemory<byte> payload, int count, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _parts.TopicRequests.GatherAsync(topic, payload, count, timeout, cancellationToken);

    /// <summary>Answers requests over a topic from now on; dispose the result to stop.</summary>
    /// <param name="topic">The topic; no pattern.</param>
    /// <param name="responder">Called for requests, concurrently; its exception is told to who asked.</param>
    /// <param name="options">Null takes the defaults: of all nodes that answer the topic, one answers each request.</param>
    /// <param name="cancellationToken">Ends this call, not the answering.</param>
    public async ValueTask<IAsyncDisposable> RespondTopicAsync(Topic topic, TopicResponder responder, RespondOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _parts.TopicRequests.RespondAsync(topic, responder, options);
    }
}
