using FsCheck;
using FsCheck.Fluent;
using Starling.Gateways.Gossip;

namespace Starling.Gateways.Tests;

/// <summary>The small classes that the desk is made of.</summary>
public sealed class TableTests
{
    [Fact]
    public void A_cache_gives_ids_from_zero_refuses_duplicates_and_lets_the_oldest_go()
    {
        var cache = new GossipMessageCache(cacheSize: 2);

        var first = cache.AddMessage(7, new byte[] { 1 }, isValid: true, out _);
        Assert.Equal(0, first!.Id);
        Assert.Null(cache.AddMessage(7, new byte[] { 1 }, isValid: true, out _));
        Assert.NotNull(cache.AddMessage(8, new byte[] { 1 }, isValid: true, out var evicted));
        Assert.Null(evicted);
        var third = cache.AddMessage(7, new byte[] { 3 }, isValid: true, out evicted);

        Assert.Same(first, evicted);
        Assert.Null(cache.GetMessage(0));
        Assert.Same(third, cache.GetMessage(2));
        Assert.Equal([1, 2], cache.Select(message => (int)message.Id));
        Assert.True(cache.IsValid(2));
        Assert.True(cache.SetValidity(2, isValid: false, out _));
        Assert.False(cache.IsValid(2));
        Assert.Same(third, cache.RemoveMessage(2));
        Assert.Null(cache.RemoveMessage(2));
        Assert.False(cache.SetValidity(2, isValid: true, out _));
    }

    [Fact]
    public void The_default_cache_holds_thirty_valid_messages()
    {
        var cache = new GossipMessageCache();
        for (byte i = 0; i < 40; i++) cache.AddMessage(1, new[] { i }, isValid: true, out _);

        Assert.Equal(30, cache.CacheSize);
        Assert.Equal(Enumerable.Range(10, 30), cache.Select(message => (int)message.Data.Span[0]));
    }

    [Fact]
    public void Ids_go_round_and_never_meet_one_in_use()
    {
        var cache = new GossipMessageCache(cacheSize: 1000, maxAwaited: 10);
        var stays = cache.AddMessage(1, new byte[] { 1 }, isValid: false, out _)!;
        for (var i = 0; i <= GossipMessageCache.MaxMessageId; i++) Assert.NotEqual(stays.Id, cache.AddMessage(2, BitConverter.GetBytes(i), isValid: true, out _)!.Id);

        Assert.Same(stays, cache.GetMessage(stays.Id));
    }

    /// <summary>Against a model that is a list.</summary>
    [Fact]
    public void A_cache_does_what_a_list_would_do() =>
        Prop.ForAll<(byte What, byte Content)[]>(steps =>
        {
            var cache = new GossipMessageCache(cacheSize: 3, maxAwaited: 2);
            List<CachedMessage> valid = [], awaited = [];
            foreach (var (what, content) in steps)
            {
                var known = valid.Concat(awaited).FirstOrDefault(message => message.Data.Span[0] == content % 12);
                switch (what % 4)
                {
                    case 0 or 1:
                        var added = cache.AddMessage(5, new[] { (byte)(content % 12) }, what % 4 == 0, out var evicted);
                        if (added is null != known is not null) return false;
                        if (added is null) break;
                        (added.IsValid ? valid : awaited).Add(added);
                        if (!ReferenceEquals(evicted, Trim())) return false;
                        break;
                    case 2 when known is not null:
                        var judged = what % 8 == 2;
                        if (known.IsValid != judged)
                        {
                            (known.IsValid ? valid : awaited).Remove(known);
                            (judged ? valid : awaited).Add(known);
                        }

                        cache.SetValidity(known.Id, judged, out evicted);
                        if (!ReferenceEquals(evicted, Trim())) return false;
                        break;
                    case 3 when known is not null:
                        (known.IsValid ? valid : awaited).Remove(known);
                        if (!ReferenceEquals(cache.RemoveMessage(known.Id), known)) return false;
                        break;
                    default:
                        break;
                }

                if (!cache.SequenceEqual(valid.Concat(awaited)) || cache.Any(message => !ReferenceEquals(cache.GetMessage(message.Id), message) || !ReferenceEquals(cache.Find(message.Hash), message))) return false;
            }

            return cache.Count == valid.Count + awaited.Count;

            CachedMessage? Trim()
            {
                var part = valid.Count > 3 ? valid : awaited.Count > 2 ? awaited : null;
                var oldest = part?[0];
                part?.RemoveAt(0);
                return oldest;
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Registrations_are_by_type_and_client_and_gone_with_the_client()
    {
        var table = new RegistrationTable(limit: 3);

        Assert.True(table.Register(1, 10));
        Assert.False(table.Register(1, 10));
        Assert.True(table.Register(2, 10));
        Assert.True(table.Register(2, 20));
        Assert.False(table.Register(3, 10));
        Assert.Equal([1, 2], table.GetRegistrations(10));
        table.Unregister(2);

        Assert.Equal([1], table.GetRegistrations(10));
        Assert.False(table.IsRegistered(20));
        Assert.Empty(table.GetRegistrations(20));
        Assert.True(table.Unregister(1, 10));
        Assert.False(table.Unregister(1, 10));
        Assert.Equal(0, table.Count);
        Assert.Empty(table.Types);
    }

    [Fact]
    public void Every_client_knows_messages_by_ids_of_its_own()
    {
        var cache = new GossipMessageCache();
        var one = cache.AddMessage(1, new byte[] { 1 }, isValid: true, out _)!;
        var other = cache.AddMessage(1, new byte[] { 2 }, isValid: true, out _)!;
        var ids = new NotificationIds();

        Assert.Equal(0, ids.Give(other));
        Assert.Equal(1, ids.Give(one));
        Assert.Equal(0, ids.Give(other));
        Assert.Same(other, ids.Find(0));
        ids.Forget(other);
        Assert.Null(ids.Find(0));
        Assert.Same(one, ids.Find(1));
        Assert.Equal(2, ids.Give(other));
    }

    [Fact]
    public void All_must_accept_one_may_veto_and_in_the_end_those_who_accepted_are_enough()
    {
        var board = new VerdictBoard<string>();
        board.Open("all", [1, 2], new Instant(10));
        board.Open("veto", [1, 2], new Instant(10));
        board.Open("some", [1, 2], new Instant(10));
        board.Open("none", [1, 2], new Instant(10));
        board.Open("later", [1, 2], new Instant(20));

        Assert.Equal(GossipOutcome.Open, board.Vote("all", 1, isValid: true));
        Assert.Equal(GossipOutcome.Open, board.Vote("all", 1, isValid: true));
        Assert.Equal(GossipOutcome.Open, board.Vote("all", 9, isValid: false));
        Assert.Equal(GossipOutcome.Accepted, board.Vote("all", 2, isValid: true));
        Assert.Equal(GossipOutcome.Open, board.Vote("veto", 1, isValid: true));
        Assert.Equal(GossipOutcome.Vetoed, board.Vote("veto", 1, isValid: false));
        Assert.Equal(GossipOutcome.Open, board.Vote("some", 2, isValid: true));
        Assert.Empty(board.Expire(new Instant(9)));
        Assert.Equal(new Instant(10), board.NextDeadline);

        Assert.Equal([("some", GossipOutcome.Accepted), ("none", GossipOutcome.Dropped)], board.Expire(new Instant(10)));
        Assert.Equal(new Instant(20), board.NextDeadline);
        Assert.Equal(1, board.Count);
    }

    [Fact]
    public void The_say_of_a_client_that_is_gone_lapses()
    {
        var board = new VerdictBoard<string>();
        board.Open("accepted", [1, 2], new Instant(10));
        board.Open("nobody", [1], new Instant(10));
        board.Open("waits", [1, 2], new Instant(10));
        board.Vote("accepted", 2, isValid: true);

        Assert.Equal([("accepted", GossipOutcome.Accepted), ("nobody", GossipOutcome.Dropped)], board.Lapse(1));
        Assert.Equal(GossipOutcome.Accepted, board.Vote("waits", 2, isValid: true));
    }

    [Fact]
    public void Vetoed_hashes_are_remembered_up_to_the_bound()
    {
        var rejected = new RejectedHashes(2);
        ContentHash[] hashes = [ContentHash.Of(1, [1]), ContentHash.Of(1, [2]), ContentHash.Of(2, [1])];
        foreach (var hash in hashes) rejected.Add(hash);
        rejected.Add(hashes[2]);

        Assert.Equal([false, true, true], hashes.Select(rejected.Contains));
        Assert.Equal(2, rejected.Count);
    }

    [Theory]
    [InlineData(0, 0, 0), InlineData(5, 0, 5), InlineData(255, 0, 255), InlineData(0, 4, 4), InlineData(9, 4, 4), InlineData(3, 4, 3)]
    public void A_maximum_caps_the_hops_and_no_limit_is_capped_too(int announced, int most, int hops) => Assert.Equal(hops, GossipTtl.Cap(announced, most));
}
