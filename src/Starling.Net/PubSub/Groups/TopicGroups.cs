using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Protocols.Groups;

namespace Starling.Net.PubSub.Groups;

/// <summary>Handles one message of a queue group. Returning acknowledges it; an exception gives it to another member.</summary>
/// <param name="message">The message.</param>
/// <param name="cancellationToken">Fires when the message is no longer this handler's; see <see cref="GroupMessage.Lost"/>.</param>
public delegate ValueTask GroupHandler(GroupMessage message, CancellationToken cancellationToken);

/// <summary>The queue groups that a node takes part in. Safe for several threads.</summary>
public sealed class TopicGroups : IAsyncDisposable
{
    private readonly ConcurrentDictionary<(Topic Topic, string Group), GroupMember> _joined = new();
    private readonly GroupWiring _wiring;
    private readonly TimeSpan? _stopTimeout;
    private int _disposed;

    /// <summary>Starts without any group.</summary>
    /// <param name="local">This node.</param>
    /// <param name="topics">Carries the messages and what members tell each other; stays the caller's and must outlive this.</param>
    /// <param name="stopTimeout">How long handlers get to end when this is disposed, where that is less than their <see cref="GroupOptions.LeaveTimeout"/>.</param>
    /// <param name="clock">The clock; null takes the system's.</param>
    /// <param name="random">Null takes the system's.</param>
    /// <param name="logger">Null logs nothing.</param>
    /// <param name="meters">Makes the meter; null makes one outside any factory.</param>
    public TopicGroups(PeerId local, PubSubService topics, TimeSpan? stopTimeout = null, TimeProvider? clock = null, RandomSource? random = null, ILogger<TopicGroups>? logger = null, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(topics);
        _stopTimeout = stopTimeout;
        var log = new GroupLog(logger ?? NullLogger<TopicGroups>.Instance);
        _wiring = new GroupWiring(local, topics, clock ?? TimeProvider.System, (random ?? RandomSource.System).Fork("groups"), log, new GroupMetrics(meters), Forget);
    }

    /// <summary>The groups that this node takes part in.</summary>
    public IReadOnlyList<GroupMember> Joined => [.. _joined.Values];

    /// <summary>How often this happened in all groups so far.</summary>
    public long CountOf(GroupCount what) => _wiring.Metrics.Of(what);

    /// <summary>Takes part in a group: read the messages that fall to this member and acknowledge each; dispose the member to leave.</summary>
    /// <param name="topic">The topic or pattern. Several groups on one topic each get every message.</param>
    /// <param name="group">The group's name, up to 64 characters. A node is in each group at most once.</param>
    /// <param name="options">Null takes the defaults. Copied.</param>
    /// <exception cref="ArgumentException">The topic, the group's name or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">This node is in the group already, or follows as many topics as it may.</exception>
    /// <exception cref="ObjectDisposedException">The node has stopped.</exception>
    public async ValueTask<GroupMember> JoinAsync(Topic topic, string group, GroupJoinOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(topic);
        GroupNames.CheckGroup(group);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        var member = new GroupMember(topic, group, (options ?? new GroupJoinOptions()).Clone(), _wiring);
        if (!_joined.TryAdd((topic, group), member))
        {
            throw new InvalidOperationException($"This node is in the group '{group}' on '{topic}' already; read from that membership, whose {nameof(GroupOptions.MaxInFlight)} says how many messages it handles at a time.");
        }

        try
        {
            await member.StartAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            _joined.TryRemove((topic, group), out _);
            throw;
        }

        _wiring.Metrics.Add(member);
        if (Volatile.Read(ref _disposed) != 0) await member.DisposeAsync().ConfigureAwait(false);
        return member;
    }

    /// <summary>Takes part in a group with a handler, which is called for up to <see cref="GroupOptions.MaxInFlight"/> messages at the same time.</summary>
    /// <inheritdoc cref="JoinAsync(Topic, string, GroupJoinOptions?)"/>
    /// <param name="topic">The topic or pattern.</param>
    /// <param name="group">The group's name.</param>
    /// <param name="handler">Handles one message: returning acknowledges it, an exception gives it to another member.</param>
    /// <param name="options">Null takes the defaults. Copied.</param>
    public async ValueTask<GroupMember> JoinAsync(Topic topic, string group, GroupHandler handler, GroupJoinOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        var member = await JoinAsync(topic, group, options).ConfigureAwait(false);
        _ = Task.Run(() => new GroupWorker(member, handler, _wiring.Log, (options ?? new GroupJoinOptions()).MaxInFlight).RunAsync());
        return member;
    }

    /// <summary>Leaves all groups, handing over what is not handled. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await Task.WhenAll(_joined.Values.Select(member => member.LeaveAsync(_stopTimeout))).ConfigureAwait(false);
        _wiring.Metrics.Dispose();
    }

    private void Forget(GroupMember member)
    {
        _wiring.Metrics.Remove(member);
        _joined.TryRemove(KeyValuePair.Create((member.Topic, member.Group), member));
    }
}
