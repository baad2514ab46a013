using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Groups;

namespace Starling.Protocols.Tests.Groups;

/// <summary>What others say in a group: any bytes, any claims, any number of them.</summary>
public sealed class GroupHostileTests
{
    private static readonly Gen<GroupNote> Notes =
        from kind in Gen.Choose(0, 4)
        from origin in Gen.Choose(0, 3)
        from stream in Gen.Choose(0, 1)
        from number in ArbMap.Default.GeneratorFor<ulong>()
        from attempt in Gen.Choose(1, GroupCodec.MaxAttempt)
        from to in Gen.Choose(0, 2)
        select new GroupNote((GroupNoteKind)kind, new GroupKey(Team.Peer(origin), (ulong)stream, number), attempt, kind == (int)GroupNoteKind.Given ? Team.Peer(to) : null);

    [Fact]
    public void Frames_read_back_as_they_were_written_and_no_part_of_one_is_a_frame_with_all_its_notes() => Prop.ForAll(Arb.From(Notes.ArrayOf()), notes =>
    {
        var frame = new GroupFrame(0x1122334455667788, GroupMemberState.Active, notes.Length, notes);
        var bytes = GroupCodec.Encode(frame);
        var read = GroupCodec.Decode(bytes)!;
        if ((read.Instance, read.State, read.Waiting) != (frame.Instance, frame.State, frame.Waiting) || !read.Notes.SequenceEqual(notes)) return false;
        for (var length = 0; length < bytes.Length; length++)
        {
            if (GroupCodec.Decode(bytes.AsSpan(0, length))?.Notes.Count >= Math.Max(1, notes.Length)) return false;
        }

        return true;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_bytes_are_a_frame_or_none() => Prop.ForAll<byte[]>(static bytes =>
    {
        _ = GroupCodec.Decode([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. bytes]);
        return GroupCodec.Decode(bytes) is null || bytes.Length >= 11;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_frame_holds_no_more_notes_than_allowed_whatever_it_declares()
    {
        GroupNote[] notes = [.. Enumerable.Range(0, GroupCodec.MaxNotes).Select(number => new GroupNote(GroupNoteKind.Done, new GroupKey(Team.Peer(1), 1, (ulong)number)))];
        var full = GroupCodec.Encode(new GroupFrame(1, GroupMemberState.Active, 0, notes));
        Assert.True(full.Length < 5000);
        Assert.Equal(GroupCodec.MaxNotes, GroupCodec.Decode(full)!.Notes.Count);
        Assert.Null(GroupCodec.Decode([.. full, .. GroupCodec.Encode(new GroupFrame(1, GroupMemberState.Active, 0, notes[..1]))[11..]]));
        Assert.Throws<ArgumentException>(() => GroupCodec.Encode(new GroupFrame(1, GroupMemberState.Active, 0, [.. notes, notes[0]])));
    }

    [Fact]
    public void Bytes_that_are_no_frame_are_counted_and_change_nothing()
    {
        var team = new Team(2);
        team.Seconds(3);
        team.Act(0, (core, effects) => core.Receive(Team.Peer(1), "hello"u8, team.Now, effects));
        Assert.Equal(1, team.Core(0).Counters.Of(GroupCount.BadFrames));
        Assert.Single(team.Core(0).Members);
    }

    [Fact]
    public void Ten_thousand_who_say_they_are_members_are_known_only_up_to_the_bound_and_forgotten()
    {
        var team = new Team(1);
        for (var i = 1; i <= 10_000; i++) team.Say(0, Team.Peer(i), new GroupFrame((ulong)i, GroupMemberState.Active, 0, []));
        Assert.Equal(team.Options.MaxMembers, team.Core(0).Members.Count);
        Assert.Equal(10_000 - team.Options.MaxMembers, team.Core(0).Counters.Of(GroupCount.TooManyMembers));
        team.Seconds(6);
        Assert.Empty(team.Core(0).Members);
        for (var number = 1ul; number <= 100; number++) team.Publish(number);
        team.Seconds(5);
        Assert.Equal(100, team.Completed.Count);
    }

    [Fact]
    public void What_is_said_to_be_done_is_remembered_only_up_to_the_bound()
    {
        var team = new Team(1, options: new GroupOptions { MaxDone = 100 });
        for (var batch = 0; batch < 10; batch++)
        {
            team.Say(0, Team.Peer(1), new GroupFrame(1, GroupMemberState.Active, 0, [.. Enumerable.Range(batch * 1000, 1000).Select(number => new GroupNote(GroupNoteKind.Done, team.Key((ulong)number)))]));
        }

        Assert.Equal(9_900, team.Core(0).Counters.Of(GroupCount.DoneEvicted));
        Assert.Equal(GroupOffer.Known, team.Offer(0, 9_999));
        Assert.Equal(GroupOffer.Taken, team.Offer(0, 1));
    }

    [Fact]
    public void A_member_that_claims_everything_and_does_nothing_delays_and_loses_nothing()
    {
        var team = new Team(2) { Work = _ => (TimeSpan.FromMilliseconds(1), true) };
        team.Seconds(3);
        team.Say(0, Team.Peer(9), new GroupFrame(1, GroupMemberState.Active, 0, []));
        team.Say(1, Team.Peer(9), new GroupFrame(1, GroupMemberState.Active, 0, []));
        for (var number = 1ul; number <= 50; number++) team.Publish(number);
        team.Seconds(0.1);
        foreach (var member in new[] { 0, 1 })
        {
            team.Say(member, Team.Peer(9), new GroupFrame(1, GroupMemberState.Active, 0, [.. Enumerable.Range(1, 50).Select(number => new GroupNote(GroupNoteKind.Held, team.Key((ulong)number), GroupCodec.MaxAttempt))]));
        }

        team.Seconds(30);
        Assert.Equal(Enumerable.Range(1, 50).Select(number => (ulong)number), team.Completed.Union(team.GivenUp.Select(one => one.Number)).Order());
    }

    [Fact]
    public void Notes_about_messages_that_never_come_leave_nothing_behind()
    {
        var team = new Team(1);
        team.Seconds(3);
        for (var round = 0; round < 100; round++)
        {
            team.Say(0, Team.Peer(1), new GroupFrame(1, GroupMemberState.Active, int.MaxValue, [.. Enumerable.Range(0, 1000).Select(number => new GroupNote(number % 2 == 0 ? GroupNoteKind.Held : GroupNoteKind.Wanted, team.Key((ulong)number)))]));
        }

        Assert.Equal(0, team.Core(0).Pending);
    }

    [Fact]
    public void Options_that_would_miss_live_members_are_refused_with_what_to_do()
    {
        var error = Assert.Throws<ArgumentException>(() => new GroupCore<int>(Team.Peer(0), 1, new GroupOptions { BeatInterval = TimeSpan.FromSeconds(3), MaxInFlight = 0 }, default));
        Assert.Contains("MaxInFlight", error.Message, StringComparison.Ordinal);
        Assert.Contains("MemberTimeout: '00:00:04' is shorter than two BeatInterval, so that live members would be missed; use at least 00:00:06", error.Message, StringComparison.Ordinal);
        Assert.Contains("TakeoverAfter", error.Message, StringComparison.Ordinal);
        Assert.Contains("SettleTime", error.Message, StringComparison.Ordinal);
    }
}
