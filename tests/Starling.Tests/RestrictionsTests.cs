namespace Starling.Tests;

/// <summary>The blocklist of whole nodes, over real sockets.</summary>
public sealed class RestrictionsTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("starling-blocked-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Blocking_a_peer_closes_its_link_and_tells_both_users_why()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        await using var near = a.EventsAsync().GetAsyncEnumerator();
        await using var far = b.EventsAsync().GetAsyncEnumerator();
        await ReadToAsync<NodeEvent.Connected>(near);
        await ReadToAsync<NodeEvent.Connected>(far);

        await a.BlockAsync(b.PeerId, note: "spam").WaitAsync(Patience);
        Assert.Empty(a.Links);
        Assert.Equal("spam", (await ReadToAsync<NodeEvent.Blocked>(near)).Entry.Note);
        Assert.Equal(CloseReason.Blocked, (await ReadToAsync<NodeEvent.Disconnected>(near)).Why.Reason);
        var told = (await ReadToAsync<NodeEvent.Disconnected>(far)).Why;
        Assert.Equal((CloseReason.RemoteClose, CloseReason.Blocked), (told.Reason, told.RemoteReason));

        var dial = await Assert.ThrowsAsync<HandshakeException>(() => a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.RefusedLocally, dial.Failure);
        Assert.Contains("blocklist", dial.Message, StringComparison.Ordinal);
        var answer = await Assert.ThrowsAsync<HandshakeException>(() => b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.RefusedByRemote, answer.Failure);
        Assert.Empty(b.Links);

        Assert.True(await a.UnblockAsync(b.PeerId.ToString()).WaitAsync(Patience));
        Assert.False((await ReadToAsync<NodeEvent.Unblocked>(near)).HasExpired);
        await b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_blocked_range_is_refused_before_its_handshake_until_the_block_expires()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow());
        await using var a = await StarlingNode.StartAsync(new StarlingOptions(), new NodeEnvironment { Clock = clock });
        await using var b = await StarlingNode.StartAsync();
        await a.BlockAsync("127.0.0.0/8", TimeSpan.FromHours(1)).WaitAsync(Patience);
        await Assert.ThrowsAsync<HandshakeException>(() => b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience));
        Assert.Equal((0, 0), (a.Budget.Used(ResourceKind.Handshakes), a.Links.Count));

        await using var events = a.EventsAsync().GetAsyncEnumerator();
        await ReadToAsync<NodeEvent.Listening>(events);
        clock.Advance(TimeSpan.FromHours(1));
        Assert.True((await ReadToAsync<NodeEvent.Unblocked>(events)).HasExpired);
        Assert.Empty(a.Restrictions.Blocked);
        await b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_restarted_node_still_blocks_what_it_blocked()
    {
        var options = new StarlingOptions { Restrictions = { File = Path.Combine(_folder.FullName, "blocked.json"), Block = ["198.51.100.0/24"] } };
        using var stranger = NodeIdentity.Generate();
        await using (var a = await StarlingNode.StartAsync(options))
        {
            await a.BlockAsync(stranger.PeerId, note: "twice");
            await a.BlockAsync("2001:db8::/32", TimeSpan.FromDays(2));
        }

        options.Restrictions.Block.Clear();
        await using var again = await StarlingNode.StartAsync(options);
        Assert.Equal([stranger.PeerId.ToString(), "2001:db8::/32"], again.Restrictions.Blocked.Select(entry => entry.Subject.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal("twice", again.Restrictions.Match(stranger.PeerId)?.Note);
        Assert.NotNull(again.Restrictions.Match(null, Multiaddr.Parse("/ip6/2001:db8::9/tcp/1"))?.Expires);
    }

    [Fact]
    public async Task Candidates_are_neither_blocked_nor_recently_disconnected_until_restrictions_are_cleared()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var blocked = await StarlingNode.StartAsync();
        await using var parted = await StarlingNode.StartAsync();
        await using var good = await StarlingNode.StartAsync();
        foreach (var node in new[] { blocked, parted, good }) await a.ConnectAsync(node.Addresses[0]).WaitAsync(Patience);
        await a.BlockAsync(blocked.PeerId).WaitAsync(Patience);
        await a.DisconnectAsync(parted.PeerId).WaitAsync(Patience);

        Assert.Equal(good.PeerId, Assert.Single(a.FilterCandidates(a.Peers.Peers)).Peer);
        Assert.Equal(1, await a.ClearRestrictionsAsync().WaitAsync(Patience));
        Assert.Equal(3, a.FilterCandidates(a.Peers.Peers).Count);
        Assert.Empty(a.RecentlyDisconnected);
    }

    [Theory]
    [InlineData("10.0.0.1/8", "10.0.0.0/8")]
    [InlineData("nobody", "peer id")]
    public async Task What_cannot_be_blocked_is_named_in_options_and_calls(string subject, string hint)
    {
        var wrong = await Assert.ThrowsAsync<StarlingException>(() => StarlingNode.StartAsync(new StarlingOptions { Restrictions = { Block = [subject] } }));
        Assert.Contains("Restrictions:Block", wrong.Message, StringComparison.Ordinal);
        Assert.Contains(hint, wrong.Message, StringComparison.Ordinal);
        await using var node = await StarlingNode.StartAsync();
        Assert.Contains(hint, (await Assert.ThrowsAsync<FormatException>(() => node.BlockAsync(subject))).Message, StringComparison.Ordinal);
    }

    private static async Task<T> ReadToAsync<T>(IAsyncEnumerator<NodeEvent> events)
        where T : NodeEvent
    {
        while (await events.MoveNextAsync().AsTask().WaitAsync(Patience))
        {
            if (events.Current is T wanted) return wanted;
        }

        throw new InvalidOperationException($"There was no {typeof(T).Name}.");
    }
}
