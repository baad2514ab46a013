using Starling.Net.PubSub;
using Starling.Net.PubSub.Groups;
using Starling.Protocols.Groups;

namespace Starling.Net.Tests.PubSub.Groups;

/// <summary>Queue groups over real routers.</summary>
public sealed class QueueGroupTests
{
    [Theory]
    [InlineData(TopicKind.Stream)]
    [InlineData(TopicKind.Plain)]
    public async Task Each_message_is_handled_by_one_member_of_each_group(TopicKind kind)
    {
        await using var network = GroupNetwork.Create(4);
        var topic = kind == TopicKind.Stream ? Topic.Stream("jobs") : Topic.Plain("jobs");
        Handlings first = new(), second = new();
        for (var i = 1; i <= 4; i++)
        {
            var (member, handled) = (i, i <= 2 ? first : second);
            await network.Groups[i].JoinAsync(topic, i <= 2 ? "one" : "two", (message, _) => Handle(handled, member, message), GroupNetwork.Quick());
        }

        await network.Publisher.WaitForSubscribersAsync(topic, 4).Soon();
        for (var i = 0; i < 400; i++) Assert.True((await network.Publisher.Say(topic, $"job {i}").Soon()).IsSent);

        foreach (var handled in new[] { first, second })
        {
            await handled.DistinctAsync(400);
            Assert.Equal(400, handled.All.Count);
            Assert.All(handled.All, one => Assert.False(one.IsRedelivered));
            Assert.Equal(2, handled.All.Select(one => one.Member).Distinct().Count());
        }
    }

    [Fact]
    public async Task What_a_handler_refuses_or_throws_at_goes_to_another_member_marked()
    {
        await using var network = GroupNetwork.Create(2);
        Handlings handled = new();
        List<GroupMember> members = [];
        for (var i = 1; i <= 2; i++)
        {
            var member = i;
            members.Add(await network.Groups[i].JoinAsync("jobs", "g", (message, _) =>
            {
                handled.Add(member, message);
                Assert.Equal(message.IsRedelivered, message.Message.IsRedelivered);
                return message.Attempt == 1 ? throw new InvalidOperationException("not me") : ValueTask.CompletedTask;
            }, GroupNetwork.Quick(options => options.RetryDelay = TimeSpan.FromSeconds(1))));
        }

        await network.Publisher.WaitForSubscribersAsync("jobs", 2).Soon();
        await network.ActiveAsync(members).Soon();
        for (var i = 0; i < 20; i++) await network.Publisher.Say("jobs", $"{i}").Soon();
        await handled.UntilAsync(() => handled.All.Count >= 40);

        foreach (var job in handled.All.GroupBy(one => one.Text))
        {
            Assert.Equal([false, true], job.Select(one => one.IsRedelivered));
            Assert.Equal(2, job.Select(one => one.Member).Distinct().Count());
        }
    }

    [Fact]
    public async Task A_message_is_kept_until_it_is_acknowledged_and_its_token_fires_when_it_is_taken_away()
    {
        await using var network = GroupNetwork.Create(2);
        List<GroupMember> members = [];
        for (var i = 1; i <= 2; i++) members.Add(await network.Groups[i].JoinAsync("jobs", "g", GroupNetwork.Quick(options => options.AckTimeout = TimeSpan.FromSeconds(1))));
        await network.Publisher.WaitForSubscribersAsync("jobs", 2).Soon();
        Task<GroupMessage?>[] reads = [.. members.Select(member => member.ReadAsync().AsTask())];

        await network.Publisher.Say("jobs", "x").Soon();
        var taken = await Task.WhenAny(reads).Soon();
        var (first, other) = ((await taken)!, reads.Single(read => read != taken));
        var lost = new TaskCompletionSource();
        await using var registration = first.Lost.Register(lost.SetResult);
        await lost.Task.Soon();
        var second = (await other.Soon())!;

        Assert.Equal((1, false, 2, true), (first.Attempt, first.IsRedelivered, second.Attempt, second.IsRedelivered));
        Assert.False(first.Refuse());
        Assert.False(first.Extend());
        Assert.True(second.Acknowledge());
        Assert.False(second.Acknowledge());
        Assert.All(members, member => Assert.Equal(0, member.Missed));
    }

    [Fact]
    public async Task Members_come_and_leave_while_messages_flow_and_each_is_handled()
    {
        await using var network = GroupNetwork.Create(4);
        Handlings handled = new();
        async Task<GroupMember> JoinAsync(int i) => await network.Groups[i].JoinAsync("jobs", "g", (message, _) => Handle(handled, i, message), GroupNetwork.Quick());
        var leaving = await JoinAsync(1);
        await JoinAsync(2);
        await network.Publisher.WaitForSubscribersAsync("jobs", 2).Soon();
        for (var i = 0; i < 1000; i++)
        {
            await network.Publisher.Say("jobs", $"{i}").Soon();
            if (i == 300) await JoinAsync(3);
            if (i == 500) await leaving.DisposeAsync().Soon();
            if (i == 700) await JoinAsync(4);
        }

        await handled.DistinctAsync(1000);
        Assert.Null(await leaving.ReadAsync().Soon());
        Assert.Equal(0, network.Groups.Sum(groups => groups.CountOf(GroupCount.GivenUp) + groups.CountOf(GroupCount.Abandoned)));
    }

    [Fact]
    public async Task A_member_that_vanishes_without_a_word_loses_no_message()
    {
        await using var network = GroupNetwork.Create(3);
        Handlings handled = new();
        static GroupJoinOptions Options() => GroupNetwork.Quick(options => (options.MemberTimeout, options.TakeoverAfter) = (TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3)));
        var stuck = await network.Groups[1].JoinAsync("jobs", "g", Options());
        List<GroupMember> members = [stuck];
        for (var i = 2; i <= 3; i++)
        {
            var member = i;
            members.Add(await network.Groups[i].JoinAsync("jobs", "g", (message, _) => Handle(handled, member, message), Options()));
        }

        await network.Publisher.WaitForSubscribersAsync("jobs", 3).Soon();
        await network.ActiveAsync(members).Soon();
        for (var i = 0; i < 100; i++) await network.Publisher.Say("jobs", $"{i}").Soon();
        var had = (await stuck.ReadAsync().Soon())!.Message.Text();
        foreach (var other in new[] { 0, 2, 3 }) FakeHost.Unlink(network.Network.Hosts[1], network.Network.Hosts[other]);

        await handled.DistinctAsync(100);
        Assert.Contains(handled.All, one => one.Text == had && one.IsRedelivered);
    }

    [Fact]
    public async Task A_message_that_nobody_can_handle_is_told_as_given_up()
    {
        await using var network = GroupNetwork.Create(1);
        var given = new TaskCompletionSource<GroupMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        await network.Groups[1].JoinAsync("jobs", "g", (_, _) => throw new FormatException("bad"), GroupNetwork.Quick(options => (options.MaxAttempts, options.OnGivenUp) = (3, given.SetResult)));
        await network.Publisher.WaitForSubscribersAsync("jobs").Soon();
        await network.Publisher.Say("jobs", "poison").Soon();

        var message = await given.Task.Soon();
        Assert.Equal(("poison", 3), (message.Message.Text(), message.Attempt));
        Assert.True(message.Lost.IsCancellationRequested);
        Assert.Equal(3, network.Groups[1].CountOf(GroupCount.Delivered));
    }

    [Fact]
    public async Task A_group_on_a_pattern_shares_all_its_topics()
    {
        await using var network = GroupNetwork.Create(2);
        Handlings handled = new();
        for (var i = 1; i <= 2; i++)
        {
            var member = i;
            var joined = await network.Groups[i].JoinAsync("jobs.*", "g", (message, _) => Handle(handled, member, message), GroupNetwork.Quick());
            Assert.False(joined.ControlTopic.IsPattern);
        }

        foreach (var topic in new[] { "jobs.a", "jobs.b" })
        {
            await network.Publisher.WaitForSubscribersAsync(topic, 2).Soon();
            for (var i = 0; i < 100; i++) await network.Publisher.Say(topic, $"{topic} {i}").Soon();
        }

        await handled.DistinctAsync(200);
        Assert.Equal(200, handled.All.Count);
    }

    [Fact]
    public async Task A_slow_group_holds_the_publisher_up_instead_of_losing_anything()
    {
        await using var network = GroupNetwork.Create(1);
        Handlings handled = new();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var member = await network.Groups[1].JoinAsync(
            "jobs",
            "g",
            async (message, _) =>
            {
                await gate.Task;
                handled.Add(1, message);
            },
            GroupNetwork.Quick(options =>
            {
                (options.MaxPending, options.AckTimeout) = (10, TimeSpan.FromMinutes(1));
                options.Subscription = new SubscriptionOptions { WhenFull = Overflow.Block, MaxMessages = 10, BlockTimeout = TimeSpan.FromMinutes(1) };
            }));
        await network.Publisher.WaitForSubscribersAsync("jobs").Soon();
        var publishing = Task.Run(async () =>
        {
            for (var i = 0; i < 5000; i++) Assert.True((await network.Publisher.Say("jobs", $"{i}{new string('x', 4000)}")).IsSent);
        });
        await handled.UntilAsync(() => network.Groups[1].CountOf(GroupCount.Full) == 0 || !publishing.IsCompleted);
        gate.SetResult();
        await publishing.Soon();
        await handled.DistinctAsync(5000);
        Assert.Equal(0, member.Missed);
        Assert.True(network.Groups[1].CountOf(GroupCount.Full) > 0);
    }

    [Fact]
    public async Task Strangers_have_no_say_where_members_are_listed()
    {
        await using var network = GroupNetwork.Create(2);
        Handlings handled = new();
        var member = await network.Groups[1].JoinAsync("jobs", "g", (message, _) => Handle(handled, 1, message), GroupNetwork.Quick(options => options.Members = new HashSet<PeerId>()));
        await network.Groups[2].JoinAsync("jobs", "g", (message, _) => Handle(handled, 2, message), GroupNetwork.Quick());
        await network.Publisher.WaitForSubscribersAsync("jobs", 2).Soon();
        for (var i = 0; i < 50; i++) await network.Publisher.Say("jobs", $"{i}").Soon();
        await handled.UntilAsync(() => handled.All.Count(one => one.Member == 1) == 50);
        Assert.Empty(member.Members);
        Assert.True(member.Counters.Of(GroupCount.Strangers) > 0);
    }

    [Fact]
    public async Task A_node_is_in_a_group_once_and_wrong_names_and_options_are_refused()
    {
        await using var network = GroupNetwork.Create(1);
        var groups = network.Groups[1];
        var member = await groups.JoinAsync("jobs", "g");
        Assert.Contains("is in the group 'g'", (await Assert.ThrowsAsync<InvalidOperationException>(() => groups.JoinAsync("jobs", "g").AsTask())).Message, StringComparison.Ordinal);
        await member.DisposeAsync().Soon();
        Assert.Empty(groups.Joined);
        await (await groups.JoinAsync("jobs", "g")).DisposeAsync().Soon();
        await Assert.ThrowsAsync<ArgumentException>(() => groups.JoinAsync("jobs", "").AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => groups.JoinAsync("jobs", new string('g', 65)).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => groups.JoinAsync("jobs", "g", new GroupJoinOptions { MaxInFlight = 0 }).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => groups.JoinAsync(new string('t', 500), "g").AsTask());
        Assert.Empty(groups.Joined);
        await groups.DisposeAsync().Soon();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => groups.JoinAsync("jobs", "g").AsTask());
    }

    private static ValueTask Handle(Handlings handled, int member, GroupMessage message)
    {
        handled.Add(member, message);
        return ValueTask.CompletedTask;
    }
}
