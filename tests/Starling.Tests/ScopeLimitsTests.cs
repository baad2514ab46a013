namespace Starling.Tests;

/// <summary>What one peer and one address may take of a whole node, over real sockets.</summary>
public sealed class ScopeLimitsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task An_address_gets_so_many_links_and_the_one_who_is_refused_learns_why()
    {
        await using var a = await StarlingNode.StartAsync(new StarlingOptions { Limits = { MaxLinksFromLoopback = 2 } });
        await using var b = await StarlingNode.StartAsync();
        await using var c = await StarlingNode.StartAsync();
        await using var d = await StarlingNode.StartAsync();
        await b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience);
        await c.ConnectAsync(a.Addresses[0]).WaitAsync(Patience);
        var refused = await Assert.ThrowsAsync<HandshakeException>(() => d.ConnectAsync(a.Addresses[0]).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.RefusedByRemote, refused.Failure);
        Assert.Contains("MaxLinksFromLoopback", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, a.Budget.Refused(ResourceKind.Links, ResourceLevel.Address));
        var locally = await Assert.ThrowsAsync<HandshakeException>(() => a.ConnectAsync(d.Addresses[0]).WaitAsync(Patience));
        Assert.Equal(HandshakeFailure.RefusedLocally, locally.Failure);

        await b.StopAsync().WaitAsync(Patience);
        await using var events = a.EventsAsync().GetAsyncEnumerator();
        while (a.Links.Any(link => link.Peer == b.PeerId)) Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience));
        await d.ConnectAsync(a.Addresses[0]).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_peer_gets_so_many_streams_and_others_are_not_held_back()
    {
        await using var a = await StarlingNode.StartAsync(new StarlingOptions { Limits = { MaxOpenStreamsPerPeer = 20 } });
        await using var b = await StarlingNode.StartAsync();
        await using var c = await StarlingNode.StartAsync();
        b.Handle("/hold/1.0.0", (_, cancelled) => Task.Delay(Timeout.Infinite, cancelled), maxInboundPerPeer: 100);
        c.Handle("/hold/1.0.0", (_, cancelled) => Task.Delay(Timeout.Infinite, cancelled), maxInboundPerPeer: 100);
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        await a.ConnectAsync(c.Addresses[0]).WaitAsync(Patience);
        var held = new List<IStream>();
        var full = await Assert.ThrowsAsync<StarlingException>(async () =>
        {
            for (var round = 0; round < 30; round++) held.Add(await a.OpenStreamAsync(b.PeerId, "/hold/1.0.0").AsTask().WaitAsync(Patience));
        });
        Assert.Contains("MaxOpenStreamsPerPeer", full.Message, StringComparison.Ordinal);
        Assert.InRange(held.Count, 10, 20);
        Assert.InRange(a.Budget.Used(ResourceKind.Streams, b.PeerId), held.Count, 20);
        Assert.NotEqual(0, a.Budget.Refused(ResourceKind.Streams, ResourceLevel.Peer));
        await using var other = await a.OpenStreamAsync(c.PeerId, "/hold/1.0.0").AsTask().WaitAsync(Patience);
        foreach (var stream in held) await stream.DisposeAsync();
        await using var again = await a.OpenStreamAsync(b.PeerId, "/hold/1.0.0").AsTask().WaitAsync(Patience);
    }

    [Fact]
    public async Task A_stranger_gets_so_many_handshakes_at_once()
    {
        await using var a = await StarlingNode.StartAsync(new StarlingOptions { Limits = { MaxHandshakesFromLoopback = 3 } });
        Assert.True(a.Addresses[0].TryGetTcpEndPoint(out var place));
        var silent = new List<System.Net.Sockets.TcpClient>();
        try
        {
            for (var round = 0; round < 3; round++)
            {
                var client = new System.Net.Sockets.TcpClient();
                silent.Add(client);
                await client.ConnectAsync(place!, TestContext.Current.CancellationToken);

                // The listener answers the header of multistream: its handshake is under way.
                await client.GetStream().WriteAsync("\u0013/multistream/1.0.0\n"u8.ToArray(), TestContext.Current.CancellationToken);
                await client.GetStream().ReadExactlyAsync(new byte[1]).AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken);
            }

            using var turnedAway = new System.Net.Sockets.TcpClient();
            await turnedAway.ConnectAsync(place!, TestContext.Current.CancellationToken);
            Assert.Equal(0, await turnedAway.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken));
            Assert.Equal((3, 1), (a.Budget.Used(ResourceKind.Handshakes), a.Budget.Refused(ResourceKind.Handshakes, ResourceLevel.Address)));
        }
        finally
        {
            silent.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task Everything_is_given_back_when_links_end()
    {
        await using var a = await StarlingNode.StartAsync();
        for (var round = 0; round < 5; round++)
        {
            await using var b = await StarlingNode.StartAsync();
            await b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience);
            Assert.Equal(1, a.Budget.Used(ResourceKind.Links, b.PeerId));
            Assert.NotEqual(0, a.Budget.ScopeCount);
        }

        await a.StopAsync().WaitAsync(Patience);
        Assert.All(Enum.GetValues<ResourceKind>(), kind => Assert.Equal(0, a.Budget.Used(kind)));
        Assert.Equal(0, a.Budget.ScopeCount);
    }

    [Fact]
    public async Task A_wrong_limit_is_named() =>
        Assert.Contains("Limits:MaxLinksPerPeer", (await Assert.ThrowsAsync<StarlingException>(() => StarlingNode.StartAsync(new StarlingOptions { Limits = { MaxLinksPerPeer = 1 } }))).Message, StringComparison.Ordinal);
}
