using System.Collections.Concurrent;
using Starling.Net.PubSub;
using Starling.Net.PubSub.Groups;
using Starling.Protocols.Groups;

namespace Starling.Net.Tests.PubSub.Groups;

/// <summary>Hosts whose first one publishes and whose others are members, each linked with each.</summary>
internal sealed class GroupNetwork : IAsyncDisposable
{
    private GroupNetwork(TopicNetwork network)
    {
        Network = network;
        Groups = [.. network.Topics.Select((topics, i) => new TopicGroups(network.Hosts[i].LocalPeer, topics))];
    }

    public TopicNetwork Network { get; }

    public IReadOnlyList<TopicGroups> Groups { get; }

    public PubSubService Publisher => Network.Topics[0];

    /// <summary>Beats often, and takes nobody for dead because the machine is busy.</summary>
    public static GroupJoinOptions Quick(Action<GroupJoinOptions>? change = null)
    {
        var options = new GroupJoinOptions
        {
            BeatInterval = TimeSpan.FromMilliseconds(100),
            SettleTime = TimeSpan.FromMilliseconds(500),
            MemberTimeout = TimeSpan.FromSeconds(15),
            TakeoverAfter = TimeSpan.FromSeconds(15),
            RetryDelay = TimeSpan.Zero,
        };
        change?.Invoke(options);
        return options;
    }

    public static GroupNetwork Create(int members)
    {
        List<int> links = [];
        for (var one = 0; one <= members; one++)
        {
            for (var other = one + 1; other <= members; other++) links.AddRange([one, other]);
        }

        return new GroupNetwork(TopicNetwork.Create(members + 1, null, [.. links]));
    }

    /// <summary>Waits until each of the members has told the others that it takes messages.</summary>
    public async Task ActiveAsync(IReadOnlyCollection<GroupMember> members)
    {
        await using var beats = await Publisher.SubscribeAsync(members.First().ControlTopic).AsTask().Soon();
        HashSet<PeerId> active = [];
        await foreach (var beat in beats)
        {
            if (GroupCodec.Decode(beat.Data.Span) is { State: GroupMemberState.Active }) active.Add(beat.Origin);
            if (active.Count == members.Count) return;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var groups in Groups) await groups.DisposeAsync().Soon();
        await Network.DisposeAsync();
    }
}

/// <summary>What handlers got, and a wait for so much of it.</summary>
internal sealed class Handlings
{
    private readonly ConcurrentQueue<(int Member, string Text, bool IsRedelivered)> _all = new();
    private readonly ConcurrentDictionary<TaskCompletionSource, Func<bool>> _waits = new();

    public IReadOnlyCollection<(int Member, string Text, bool IsRedelivered)> All => _all;

    public IReadOnlyList<string> Texts => [.. _all.Select(one => one.Text)];

    public void Add(int member, GroupMessage message)
    {
        _all.Enqueue((member, message.Message.Text(), message.IsRedelivered));
        foreach (var (wait, isOver) in _waits)
        {
            if (isOver()) wait.TrySetResult();
        }
    }

    public Task DistinctAsync(int count) => UntilAsync(() => _all.Select(one => one.Text).Distinct().Count() >= count);

    public async Task UntilAsync(Func<bool> isOver)
    {
        var wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waits[wait] = isOver;
        if (isOver()) wait.TrySetResult();
        await wait.Task.Soon();
        _waits.TryRemove(wait, out _);
    }
}
