using Starling.Gateways.Gossip;
using static Starling.Gateways.Tests.VoidPhoneClient;

namespace Starling.Gateways.Tests;

/// <summary>Clients at real nodes: validation, hops, caches, nodes that come and go.</summary>
public sealed class GossipLineTests
{
    private const ushort Type = 42;

    [Fact]
    public async Task An_announcement_reaches_the_far_end_once_those_between_have_accepted_it()
    {
        await using var line = await GossipLine.StartAsync(3);
        using var announcer = await ConnectAsync(line[0].Address);
        using var middle = await SubscribeAsync(line[1], Type);
        using var far = await SubscribeAsync(line[2], Type);
        using var farther = await SubscribeAsync(line[2], Type);

        await announcer.SendAsync(Announce(0, Type, 1, 2, 3));
        await middle.JudgeAsync(valid: true, 1, 2, 3);

        await far.JudgeAsync(valid: true, 1, 2, 3);
        await farther.JudgeAsync(valid: true, 1, 2, 3);
    }

    [Fact]
    public async Task Nothing_goes_on_before_all_have_judged_and_a_veto_holds_for_good()
    {
        await using var line = await GossipLine.StartAsync(3);
        using var announcer = await ConnectAsync(line[0].Address);
        using var middle = await SubscribeAsync(line[1], Type);
        using var other = await SubscribeAsync(line[1], Type);
        using var far = await SubscribeAsync(line[2], Type);
        using var events = new EventWatch(line[1]);

        await announcer.SendAsync(Announce(0, Type, 1));
        await middle.JudgeAsync(valid: true, 1);
        await other.JudgeAsync(valid: false, 1);
        Assert.Equal(GossipOutcome.Vetoed, (await events.NextAsync<GossipEvent.Judged>()).Outcome);
        await announcer.SendAsync(Announce(0, Type, 1));
        Assert.Equal(GossipOutcome.Vetoed, (await events.NextAsync<GossipEvent.Judged>()).Outcome);
        await announcer.SendAsync(Announce(0, Type, 2));
        await middle.JudgeAsync(valid: true, 2);
        await other.JudgeAsync(valid: true, 2);

        Assert.Equal([2], (await far.ReadAsync()).Data);
        Assert.Equal(1, line[1].Counters[GossipCount.VetoedBefore]);
    }

    [Fact]
    public async Task When_the_time_is_over_one_who_accepted_is_enough_and_nobody_is_too_few()
    {
        await using var line = await GossipLine.StartAsync(3, options => options.ValidationTimeout = TimeSpan.FromSeconds(1));
        using var announcer = await ConnectAsync(line[0].Address);
        using var middle = await SubscribeAsync(line[1], Type, 7);
        using var silent = await SubscribeAsync(line[1], Type, 7);
        using var far = await SubscribeAsync(line[2], Type, 7);
        using var events = new EventWatch(line[1]);

        await announcer.SendAsync(Announce(0, 7, 1));
        var (late, _, _) = await middle.ReadAsync();
        Assert.Equal(GossipOutcome.Dropped, (await events.NextAsync<GossipEvent.Judged>()).Outcome);
        await middle.SendAsync(Validation(late, valid: true));
        await announcer.SendAsync(Announce(0, Type, 2));
        await middle.JudgeAsync(valid: true, 2);
        Assert.Equal(GossipOutcome.Accepted, (await events.NextAsync<GossipEvent.Judged>()).Outcome);

        Assert.Equal([2], (await far.ReadAsync()).Data);
        Assert.Equal(1, line[1].Counters[GossipCount.StaleVerdicts]);
        Assert.Equal(2, line[1].Counters[GossipCount.TimedOut]);
    }

    [Fact]
    public async Task Wrong_ids_change_nothing_and_ids_are_each_clients_own()
    {
        await using var line = await GossipLine.StartAsync(2);
        using var announcer = await ConnectAsync(line[0].Address);
        using var one = await SubscribeAsync(line[1], 7, Type);
        using var other = await SubscribeAsync(line[1], Type);
        using var events = new EventWatch(line[1]);
        await announcer.SendAsync(Announce(0, 7, 1));
        Assert.Equal(0, await one.JudgeAsync(valid: true, 1));
        await events.NextAsync<GossipEvent.Judged>();

        await announcer.SendAsync(Announce(0, Type, 2));
        Assert.Equal(1, (await one.ReadAsync()).Id);
        Assert.Equal(0, (await other.ReadAsync()).Id);
        await other.SendAsync([.. Validation(1, valid: false), .. Validation(77, valid: false), .. Validation(0, valid: true)]);
        await one.SendAsync(Validation(1, valid: true));

        Assert.Equal(GossipOutcome.Accepted, (await events.NextAsync<GossipEvent.Judged>()).Outcome);
        Assert.Equal(2, line[1].Counters[GossipCount.StaleVerdicts]);
    }

    [Fact]
    public async Task A_verdict_on_a_message_that_has_left_the_cache_is_ignored()
    {
        await using var line = await GossipLine.StartAsync(2, options => options.CacheSize = 2);
        using var announcer = await ConnectAsync(line[0].Address);
        using var client = await SubscribeAsync(line[1], Type);
        for (byte i = 0; i < 3; i++)
        {
            await announcer.SendAsync(Announce(0, Type, i));
            Assert.Equal(i, await client.JudgeAsync(valid: true, i));
        }

        using var watch = new EventWatch(line[1]);
        await client.SendAsync([.. Validation(0, valid: false), .. Validation(1, valid: false), .. Notify(9)]);
        await watch.NextAsync<GossipEvent.Registered>();

        Assert.Equal(1, line[1].Counters[GossipCount.StaleVerdicts]);
        Assert.Equal(1, line[1].Counters[GossipCount.Vetoed]);
        Assert.Equal(2, Assert.Single(line[1].CachedMessages).Data.Span[0]);
    }

    [Fact]
    public async Task A_type_that_no_client_registered_is_not_propagated_for_others()
    {
        await using var line = await GossipLine.StartAsync(3);
        using var announcer = await ConnectAsync(line[0].Address);
        using var middle = await SubscribeAsync(line[1], 7);
        using var far = await SubscribeAsync(line[2], Type, 7);
        using var events = new EventWatch(line[1]);

        await announcer.SendAsync(Announce(0, Type, 1));
        Assert.Equal(GossipOutcome.Dropped, (await events.NextAsync<GossipEvent.Judged>()).Outcome);
        await announcer.SendAsync(Announce(0, 7, 2));
        await middle.JudgeAsync(valid: true, 2);

        Assert.Equal([2], (await far.ReadAsync()).Data);
        Assert.Equal(1, line[1].Counters[GossipCount.Unregistered]);
    }

    [Fact]
    public async Task The_say_of_a_client_that_disconnects_lapses()
    {
        await using var line = await GossipLine.StartAsync(3);
        using var announcer = await ConnectAsync(line[0].Address);
        using var stays = await SubscribeAsync(line[1], Type);
        var goes = await SubscribeAsync(line[1], Type);
        using var far = await SubscribeAsync(line[2], Type);

        await announcer.SendAsync(Announce(0, Type, 1));
        await goes.ReadAsync();
        await stays.JudgeAsync(valid: true, 1);
        goes.Dispose();

        Assert.Equal([1], (await far.ReadAsync()).Data);
    }

    [Fact]
    public async Task Hops_are_counted_down_and_the_last_one_delivers_too()
    {
        await using var line = await GossipLine.StartAsync(4);
        using var announcer = await ConnectAsync(line[0].Address);
        using var first = await SubscribeAsync(line[1], Type);
        using var second = await SubscribeAsync(line[2], Type);
        using var third = await SubscribeAsync(line[3], Type);

        await announcer.SendAsync(Announce(1, Type, 1));
        await first.JudgeAsync(valid: true, 1);
        await announcer.SendAsync(Announce(2, Type, 2));
        await first.JudgeAsync(valid: true, 2);
        await second.JudgeAsync(valid: true, 2);
        await announcer.SendAsync(Announce(3, Type, 3));
        await first.JudgeAsync(valid: true, 3);
        await second.JudgeAsync(valid: true, 3);

        Assert.Equal([3], (await third.ReadAsync()).Data);
    }

    [Fact]
    public async Task The_greatest_ttl_caps_what_is_announced_without_a_limit_too()
    {
        await using var line = await GossipLine.StartAsync(3, options => options.MaxTtl = 1);
        using var announcer = await ConnectAsync(line[0].Address);
        using var middle = await SubscribeAsync(line[1], Type);
        using var far = await SubscribeAsync(line[2], Type);

        await announcer.SendAsync(Announce(0, Type, 1));
        await middle.JudgeAsync(valid: true, 1);
        await announcer.SendAsync(Announce(200, Type, 2));
        await middle.JudgeAsync(valid: true, 2);
        await middle.SendAsync(Announce(9, Type, 3));

        Assert.Equal([3], (await far.ReadAsync()).Data);
    }

    [Fact]
    public async Task The_largest_message_travels_whole()
    {
        await using var line = await GossipLine.StartAsync(3);
        using var announcer = await ConnectAsync(line[0].Address);
        using var middle = await SubscribeAsync(line[1], Type);
        using var far = await SubscribeAsync(line[2], Type);
        var data = new byte[GossipMessageCodec.MaxDataBytes];
        RandomSource.Seeded(7).Fill(data);

        await announcer.SendAsync(Announce(0, Type, data));
        await middle.JudgeAsync(valid: true, data);

        Assert.Equal(data, (await far.ReadAsync()).Data);
    }

    [Fact]
    public async Task A_burst_that_is_larger_than_the_cache_is_judged_and_spreads_whole()
    {
        const int burst = 200;
        await using var line = await GossipLine.StartAsync(3);
        using var announcer = await ConnectAsync(line[0].Address);
        using var middle = await SubscribeAsync(line[1], Type);
        using var far = await SubscribeAsync(line[2], Type);

        await announcer.SendAsync([.. Enumerable.Range(0, burst).SelectMany(i => Announce(0, Type, (byte)i))]);
        HashSet<byte> judged = [], arrived = [];
        for (var i = 0; i < burst; i++)
        {
            var (id, _, data) = await middle.ReadAsync();
            judged.Add(data[0]);
            await middle.SendAsync(Validation(id, valid: true));
        }

        for (var i = 0; i < burst; i++) arrived.Add((await far.ReadAsync()).Data[0]);
        Assert.Equal(burst, judged.Count);
        Assert.Equal(burst, arrived.Count);
    }

    [Fact]
    public async Task A_newly_linked_node_gets_the_valid_messages_of_the_cache_and_no_others()
    {
        await using var line = await GossipLine.StartAsync(2);
        using var announcer = await ConnectAsync(line[0].Address);
        using var middle = await SubscribeAsync(line[1], Type);
        await announcer.SendAsync([.. Announce(0, Type, 1), .. Announce(0, Type, 2), .. Announce(0, Type, 3), .. Announce(1, Type, 4)]);
        using var events = new EventWatch(line[1]);
        for (var i = 0; i < 4; i++)
        {
            var (id, _, data) = await middle.ReadAsync();
            await middle.SendAsync(Validation(id, valid: data[0] != 2));
            await events.NextAsync<GossipEvent.Judged>();
        }

        await line.AddAsync();
        using var late = await SubscribeAsync(line[2], Type);
        await line.LinkAsync(1, 2);
        HashSet<byte> got = [(await late.ReadAsync()).Data[0], (await late.ReadAsync()).Data[0]];
        Assert.Equal(new byte[] { 1, 3 }, got.Order());
        await middle.SendAsync(Announce(0, Type, 5));
        Assert.Equal([5], (await late.ReadAsync()).Data);
    }

    [Fact]
    public async Task What_was_vetoed_or_pushed_out_later_is_not_offered_to_new_neighbours()
    {
        await using var line = await GossipLine.StartAsync(1, options => options.CacheSize = 2);
        using var announcer = await ConnectAsync(line[0].Address);
        using var critic = await SubscribeAsync(line[0], Type);
        for (byte i = 0; i < 4; i++) await announcer.SendAsync(Announce(0, Type, i));
        for (byte i = 0; i < 4; i++) Assert.Equal(i, (await critic.ReadAsync()).Id);
        await critic.SendAsync(Validation(2, valid: false));
        using var events = new EventWatch(line[0]);
        await critic.SendAsync(Notify(9));
        await events.NextAsync<GossipEvent.Registered>(one => one.DataType == 9);

        await line.AddAsync();
        using var late = await SubscribeAsync(line[1], Type);
        await line.LinkAsync(0, 1);
        Assert.Equal([3], (await late.ReadAsync()).Data);
        await announcer.SendAsync(Announce(0, Type, 9));
        Assert.Equal([9], (await late.ReadAsync()).Data);
    }

    [Fact]
    public async Task The_same_from_two_nodes_is_one_message()
    {
        await using var line = await GossipLine.StartAsync(3);
        using var one = await ConnectAsync(line[0].Address);
        using var other = await ConnectAsync(line[2].Address);
        using var middle = await SubscribeAsync(line[1], Type);
        using var events = new EventWatch(line[1]);

        await one.SendAsync(Announce(0, Type, 1));
        var (id, _, _) = await middle.ReadAsync();
        await other.SendAsync(Announce(0, Type, 1));
        await middle.SendAsync(Validation(id, valid: true));
        await events.NextAsync<GossipEvent.Judged>();
        await events.NextAsync<GossipEvent.Judged>();
        await one.SendAsync(Announce(0, Type, 2));

        Assert.Equal([2], (await middle.ReadAsync()).Data);
        Assert.Equal(1, line[1].Counters[GossipCount.Duplicates]);
    }

    [Fact]
    public async Task When_the_middle_node_dies_the_others_serve_on_and_meet_again_over_another()
    {
        await using var line = await GossipLine.StartAsync(3);
        using var announcer = await ConnectAsync(line[0].Address);
        using var near = await SubscribeAsync(line[0], Type);
        using var middle = await SubscribeAsync(line[1], Type);
        using var far = await SubscribeAsync(line[2], Type);
        await announcer.SendAsync(Announce(0, Type, 1));
        await near.JudgeAsync(valid: true, 1);
        await middle.JudgeAsync(valid: true, 1);
        await far.JudgeAsync(valid: true, 1);

        await line.KillAsync(1);
        await middle.ClosedAsync();
        await announcer.SendAsync(Announce(0, Type, 2));
        await near.JudgeAsync(valid: true, 2);
        await line.LinkAsync(0, 2);

        // Kept for those to come, it arrives as soon as there is a way again.
        Assert.Equal([2], (await far.ReadAsync()).Data);
    }
}
