using Starling.Protocols.Groups;

namespace Starling.Protocols.Tests.Groups;

/// <summary>A group of competing consumers on virtual time.</summary>
public sealed class GroupCoreTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(7)]
    public void Each_message_is_handled_once_and_every_member_takes_its_share(int members)
    {
        var team = new Team(members);
        team.Seconds(3);
        Publish(team, 1, 2100);
        team.Seconds(20);
        Assert.Equal(2100, team.Completed.Count);
        Assert.Equal(2100, team.Completed.Distinct().Count());
        Assert.All(team.Deliveries, handled => Assert.Equal((1, false), (handled.Attempt, handled.IsRedelivered)));
        Assert.All(team.Deliveries.CountBy(handled => handled.Member), share => Assert.InRange(share.Value, 1400 / members, 2800 / members));
        Assert.All(team.Alive, member => Assert.Equal(0, team.Core(member).Pending));
    }

    [Fact]
    public void What_comes_before_the_members_know_each_other_is_kept_and_handled_once()
    {
        var team = new Team(4);
        Publish(team, 1, 500);
        team.Seconds(1);
        Assert.Empty(team.Deliveries);
        team.Seconds(10);
        Assert.Equal(500, team.Deliveries.Count);
        Assert.Equal(500, team.Completed.Distinct().Count());
    }

    [Fact]
    public void Messages_of_a_member_that_dies_go_to_others_and_are_marked()
    {
        var team = new Team(3) { Work = handled => handled.Member == 1 ? null : (TimeSpan.FromMilliseconds(1), true) };
        team.Seconds(3);
        Publish(team, 1, 300);
        team.Seconds(1);
        var had = team.Deliveries.Where(handled => handled.Member == 1).Select(handled => handled.Number).ToHashSet();
        Assert.Equal(team.Options.MaxInFlight, had.Count);
        team.Kill(1);
        team.Seconds(6);
        Assert.Equal(Enumerable.Range(1, 300).Select(number => (ulong)number), team.Completed.Order());
        Assert.All(team.Deliveries.Where(handled => handled.Member != 1 && had.Contains(handled.Number)), handled => Assert.Equal((2, true), (handled.Attempt, handled.IsRedelivered)));
        Assert.All([0, 2], member => Assert.Equal(0, team.Core(member).Pending));
    }

    [Fact]
    public void Members_come_and_leave_under_load_and_every_message_is_handled_once()
    {
        for (var seed = 1ul; seed <= 20; seed++)
        {
            var team = new Team(3, seed);
            team.Seconds(3);
            for (var round = 0; round < 10; round++)
            {
                Publish(team, (ulong)(round * 100) + 1, 100);
                if (round == 2) team.Join(3);
                if (round == 4) team.Leave(0);
                if (round == 6) team.Join(4);
                if (round == 8) team.Leave(1);
                team.Seconds(0.7);
            }

            team.Seconds(20);
            Assert.True(team.Completed.Distinct().Count() == 1000 && team.Completed.Count == 1000, $"seed {seed}: {team.Completed.Count} handled, {team.Completed.Distinct().Count()} of 1000");
            Assert.Empty(team.Abandoned);
        }
    }

    [Fact]
    public void Whatever_dies_restarts_or_is_lost_every_message_is_handled_while_one_member_lives()
    {
        for (var seed = 1ul; seed <= 30; seed++)
        {
            var team = new Team(4, seed) { Loss = seed % 3 * 0.15, Latency = TimeSpan.FromMilliseconds(20) };
#pragma warning disable RS0030 // Seeded.
            var random = new Random((int)seed);
#pragma warning restore RS0030
            team.Seconds(3);
            for (var round = 0; round < 12; round++)
            {
                Publish(team, (ulong)(round * 20) + 1, 20);
                team.Seconds(random.NextDouble());
                var victim = 1 + random.Next(3);
                if (!team.Alive.Contains(victim)) team.Join(victim);
                else if (random.Next(2) == 0) team.Kill(victim);
                if (!team.Alive.Contains(0)) Assert.Fail("member 0 stays");
                team.Seconds(random.NextDouble());
            }

            team.Seconds(60);
            var missing = Enumerable.Range(1, 240).Select(number => (ulong)number).Except(team.Completed).ToList();
            Assert.True(missing.Count == 0, $"seed {seed}: {string.Join(',', missing)} were not handled");
            Assert.True(team.Alive.All(member => team.Core(member).Pending == 0), $"seed {seed}: pending {string.Join(',', team.Alive.Select(member => team.Core(member).Pending))}");
            Assert.All(team.Deliveries.GroupBy(handled => (handled.Member, handled.Number)).Where(group => group.Count() > 1), group => Assert.All(group.Skip(1), handled => Assert.True(handled.IsRedelivered)));
        }
    }

    [Fact]
    public void Both_sides_of_a_partition_handle_what_reaches_them_and_agree_again_afterwards()
    {
        var team = new Team(4);
        team.Seconds(3);
        team.Hears = (one, other) => one < 2 == other < 2;
        for (var number = 1ul; number <= 100; number++) team.Publish(number, reaches: member => member < 2 || number > 50);
        team.Seconds(30);
        Assert.Equal(Enumerable.Range(1, 100).Select(number => (ulong)number), team.Completed.Distinct().Order());
        Assert.Equal(150, team.Completed.Count);
        team.Hears = (_, _) => true;
        team.Seconds(3);
        Publish(team, 201, 100);
        team.Seconds(10);
        Assert.Equal(250, team.Completed.Count);
        Assert.All(team.Alive, member => Assert.Equal(3, team.Core(member).Members.Count));
    }

    [Fact]
    public void A_member_that_a_message_never_reached_is_replaced()
    {
        var team = new Team(3);
        team.Seconds(3);
        for (var number = 1ul; number <= 30; number++)
        {
            var blind = number % 3;
            team.Publish(number, reaches: member => member != (int)blind);
        }

        team.Seconds(20);
        Assert.Equal(30, team.Completed.Distinct().Count());
        Assert.Equal(30, team.Completed.Count);
    }

    [Fact]
    public void A_message_that_is_not_acknowledged_in_time_goes_to_another_member_marked_and_a_late_acknowledgement_counts()
    {
        var team = new Team(2) { Work = handled => handled.Attempt == 1 ? null : (TimeSpan.FromSeconds(3), true) };
        team.Seconds(3);
        Publish(team, 1, 1);
        team.Seconds(31);
        var first = team.Deliveries[0];
        Assert.Equal([(first.Member, 1ul)], team.TakenBack);
        Assert.Equal(1 - first.Member, team.Deliveries[1].Member);
        Assert.Equal((2, true), (team.Deliveries[1].Attempt, team.Deliveries[1].IsRedelivered));
        team.Act(first.Member, (core, effects) => Assert.True(core.Acknowledge(team.Key(1), team.Now, effects)));
        team.Seconds(1);
        Assert.Equal([(first.Member, 1ul), (1 - first.Member, 1ul)], team.TakenBack);
        Assert.All(team.Alive, member => Assert.Equal((0, 0), (team.Core(member).Pending, team.Core(member).InFlight)));
    }

    [Fact]
    public void A_slow_handler_that_says_so_keeps_its_message()
    {
        var team = new Team(2) { Work = _ => null };
        team.Seconds(3);
        Publish(team, 1, 1);
        team.Seconds(20);
        var owner = team.Deliveries.Single().Member;
        team.Act(owner, (core, _) => Assert.True(core.Extend(team.Key(1), 1, team.Now)));
        team.Seconds(20);
        Assert.Single(team.Deliveries);
        team.Act(owner, (core, effects) => Assert.True(core.Acknowledge(team.Key(1), team.Now, effects)));
        team.Seconds(1);
        Assert.All(team.Alive, member => Assert.Equal(0, team.Core(member).Pending));
    }

    [Fact]
    public void A_refused_message_visits_the_others_after_a_pause_and_is_given_up_after_its_last_attempt()
    {
        var team = new Team(3, options: new GroupOptions { MaxAttempts = 4 }) { Work = _ => (TimeSpan.Zero, false) };
        team.Seconds(3);
        Publish(team, 1, 1);
        team.Seconds(20);
        Assert.Equal([1, 2, 3, 4], team.Deliveries.Select(handled => handled.Attempt));
        Assert.Equal([false, true, true, true], team.Deliveries.Select(handled => handled.IsRedelivered));
        Assert.Equal(3, team.Deliveries.Take(3).Select(handled => handled.Member).Distinct().Count());
        Assert.All(team.Deliveries.Zip(team.Deliveries.Skip(1)), pair => Assert.True(pair.Second.At - pair.First.At >= team.Options.RetryDelay));
        Assert.Equal((1ul, 4), (team.GivenUp.Single().Number, team.GivenUp.Single().Attempts));
        Assert.All(team.Alive, member => Assert.Equal(0, team.Core(member).Pending));
    }

    [Fact]
    public void A_message_that_kills_whoever_handles_it_does_not_kill_the_whole_group()
    {
        var team = new Team(6, options: new GroupOptions { MaxAttempts = 2 });
        team.Work = handled =>
        {
            team.Kill(handled.Member);
            return null;
        };
        team.Seconds(3);
        Publish(team, 1, 1);
        team.Seconds(60);
        Assert.Equal(2, team.Deliveries.Count);
        Assert.Equal(1ul, team.GivenUp.Select(one => one.Number).Distinct().Single());
        Assert.Equal(4, team.Alive.Count());
        Assert.All(team.Alive, member => Assert.Equal(0, team.Core(member).Pending));
    }

    [Fact]
    public void A_busy_member_shares_what_waits_with_an_idle_one()
    {
        var team = new Team(2, options: new GroupOptions { MaxInFlight = 1 })
        {
            Work = handled => (handled.Member == 0 ? TimeSpan.FromSeconds(20) : TimeSpan.FromMilliseconds(1), true),
        };
        team.Seconds(3);
        Publish(team, 1, 200);
        team.Seconds(19);
        Assert.True(team.Completed.Count >= 195, $"{team.Completed.Count} were handled");
        Assert.All(team.Deliveries, handled => Assert.False(handled.IsRedelivered));
        Assert.True(team.Core(0).Counters.Of(GroupCount.Shared) > 50);
    }

    [Fact]
    public void A_member_that_leaves_hands_over_what_it_has_not_handled()
    {
        var team = new Team(2) { Work = handled => handled.Member == 0 ? null : (TimeSpan.FromMilliseconds(1), true) };
        team.Seconds(3);
        Publish(team, 1, 200);
        team.Seconds(0.2);
        team.Leave(0);
        team.Seconds(0.2);
        Assert.True(team.Completed.Count >= 200 - team.Options.MaxInFlight, "what waited went over at once");
        team.Seconds(6);
        Assert.Equal(200, team.Completed.Distinct().Count());
        Assert.Equal(team.Options.MaxInFlight, team.TakenBack.Count);
        Assert.Empty(team.Abandoned);
        Assert.Equal([1], team.Alive);
    }

    [Fact]
    public void What_the_last_member_leaves_behind_is_told()
    {
        var team = new Team(1) { Work = _ => null };
        team.Seconds(3);
        Publish(team, 1, 20);
        team.Seconds(0.2);
        team.Leave(0);
        team.Seconds(6);
        Assert.Equal(Enumerable.Range(1, 20).Select(number => (ulong)number), team.Abandoned.Order());
    }

    [Fact]
    public void What_was_given_to_a_member_that_never_had_it_is_told_as_abandoned()
    {
        var team = new Team(1) { Work = _ => null };
        team.Seconds(3);
        Publish(team, 1, 20);
        team.Join(1);
        team.Seconds(3);
        Publish(team, 21, 20);
        team.Seconds(0.2);
        team.Leave(0);
        team.Seconds(6);
        Assert.Equal(Enumerable.Range(1, 20).Select(number => (ulong)number), team.Abandoned.Order());
        Assert.Equal(20, team.Core(1).Pending);
    }

    [Fact]
    public void Members_that_join_one_after_the_other_under_load_handle_everything_within_seconds()
    {
        for (var seed = 1ul; seed <= 20; seed++)
        {
            var team = new Team(2, seed);
            for (var round = 0; round < 10; round++)
            {
                Publish(team, (ulong)(round * 100) + 1, 100);
                team.Seconds(0.1);
                if (round is 3 or 7) team.Join(round);
                if (round == 5) team.Leave(0);
            }

            team.Seconds(4.5);
            Assert.True(team.Completed.Distinct().Count() == 1000, $"seed {seed}: {team.Completed.Distinct().Count()} of 1000");
        }
    }

    [Fact]
    public void What_fails_goes_to_another_member_also_when_it_was_given_away_before_anybody_had_tried_it()
    {
        for (var seed = 1ul; seed <= 20; seed++)
        {
            var team = new Team(1, seed) { Work = handled => (TimeSpan.FromMilliseconds(1), handled.Attempt > 1) };
            team.Seconds(0.1);
            team.Join(1);
            team.Seconds(0.1);
            Publish(team, 1, 40);
            team.Seconds(15);
            Assert.Equal(40, team.Completed.Count);
            foreach (var tries in team.Deliveries.GroupBy(handled => handled.Number))
            {
                var members = string.Join(',', tries.Select(handled => handled.Member));
                Assert.True(members is "0,1" or "1,0", $"seed {seed}: message {tries.Key} was handled by {members}");
            }
        }
    }

    [Fact]
    public void A_member_never_gets_what_it_published_itself()
    {
        var team = new Team(3);
        team.Seconds(3);
        for (var number = 1ul; number <= 60; number++) team.Publish(number, origin: (int)(number % 3));
        team.Seconds(5);
        Assert.Equal(60, team.Completed.Count);
        Assert.All(team.Deliveries, handled => Assert.NotEqual((int)(handled.Number % 3), handled.Member));
        Assert.All(team.Deliveries, handled => Assert.False(handled.IsRedelivered));
    }

    [Fact]
    public void Only_so_many_messages_are_kept_and_the_rest_wait_outside()
    {
        var team = new Team(1, options: new GroupOptions { MaxPending = 10, MaxInFlight = 4 }) { Work = _ => null };
        team.Seconds(3);
        for (var number = 1ul; number <= 10; number++) Assert.Equal(GroupOffer.Taken, team.Offer(0, number));
        Assert.Equal(GroupOffer.Known, team.Offer(0, 5));
        Assert.Equal(GroupOffer.Full, team.Offer(0, 11));
        Assert.Equal(4, team.Core(0).InFlight);
        team.Act(0, (core, effects) => Assert.True(core.Acknowledge(team.Key(1), team.Now, effects)));
        Assert.Equal(GroupOffer.Known, team.Offer(0, 1));
        Assert.Equal(GroupOffer.Taken, team.Offer(0, 11));
        Assert.Equal(5, team.Deliveries.Count);
    }

    private static void Publish(Team team, ulong first, int count)
    {
        for (var i = 0; i < count; i++) team.Publish(first + (ulong)i);
    }
}
