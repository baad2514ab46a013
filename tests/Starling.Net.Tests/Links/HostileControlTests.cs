using Starling.Net.Links;
using Starling.Protocols.Links;

namespace Starling.Net.Tests.Links;

/// <summary>Peers that abuse link control. The hostile one is a swarm's link on which the test speaks for itself.</summary>
public class HostileControlTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Giant_and_truncated_messages_and_answers_to_nothing_end_the_link_as_a_violation()
    {
        await using var node = await TestNode.StartAsync();
        var ends = new GoodbyeTests.Ends(node.Swarm);
        foreach (var bytes in new byte[][]
        {
            [0xFF, 0xFF, 0x7F, .. new byte[4000]],
            [5, 0x0A, 0xFF, 1, 2, 3],
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            Framed(new LinkFrame.Answer(true, "")),
        })
        {
            await using var peer = await TestNode.StartAsync();
            var stream = await OpenAsync(peer, node);
            Assert.Null(await ends.NextAsync());
            await stream.WriteAsync(bytes);
            var end = (await ends.NextAsync())!;
            Assert.Equal(CloseReason.ProtocolError, end.Reason);
        }
    }

    [Fact]
    public async Task A_message_that_never_ends_costs_nothing_and_holds_up_no_close()
    {
        await using var node = await TestNode.StartAsync();
        await using var peer = await TestNode.StartAsync();
        var stream = await OpenAsync(peer, node);
        await stream.WriteAsync(new byte[] { 100, 0x0A });
        await node.Swarm.ReadyAsync(peer.Id);
        await node.Swarm.DisconnectAsync(peer.Id).WaitAsync(Patience);
        Assert.Empty(node.Swarm.Links);
    }

    [Fact]
    public async Task A_thousand_proposals_are_taken_at_a_bounded_pace_and_the_node_serves_others()
    {
        await using var node = await TestNode.StartAsync();
        await using var peer = await TestNode.StartAsync();
        await using var other = await TestNode.StartAsync();
        var changes = 0;
        node.Swarm.AddGate(new LinkGateTests.Gate
        {
            Kind = (_, _) =>
            {
                Interlocked.Increment(ref changes);
                return null;
            },
        });
        var stream = await OpenAsync(peer, node);
        await node.Swarm.ReadyAsync(peer.Id);
        var flood = new MemoryStream();
        for (var i = 0; i < 1000; i++) flood.Write(Framed(new LinkFrame.Proposal(i % 2 == 0 ? LinkKind.Transient : LinkKind.Direct)));
        await stream.WriteAsync(flood.ToArray());

        Assert.NotNull(await other.ConnectAsync(node));
        await other.Swarm.SetKindAsync(other.Swarm.FindLink(node.Id)!, LinkKind.Transient).WaitAsync(Patience);
        Assert.InRange(Volatile.Read(ref changes), 0, 500);
        await node.Swarm.DisconnectAsync(peer.Id).WaitAsync(Patience);
    }

    [Fact]
    public async Task A_peer_that_says_goodbye_and_stays_is_closed_with_its_own_reason()
    {
        await using var node = await TestNode.StartAsync(options => options.CloseTimeout = TimeSpan.FromMilliseconds(200));
        await using var peer = await TestNode.StartAsync();
        var ends = new GoodbyeTests.Ends(node.Swarm);
        var stream = await OpenAsync(peer, node);
        Assert.Null(await ends.NextAsync());
        await stream.WriteAsync(Framed(new LinkFrame.Goodbye(CloseReason.Pruned, "I mean it")));
        var end = (await ends.NextAsync())!;
        Assert.Equal((CloseReason.RemoteClose, CloseReason.Pruned, "I mean it"), (end.Reason, end.RemoteReason, end.Detail));
    }

    [Fact]
    public async Task Messages_of_a_later_version_are_passed_over()
    {
        await using var node = await TestNode.StartAsync();
        await using var peer = await TestNode.StartAsync();
        var stream = await OpenAsync(peer, node);
        await stream.WriteAsync(new byte[] { 3, 0x9A, 0x06, 0x00 });
        await stream.WriteAsync(Framed(new LinkFrame.Readiness(true)));
        await node.Swarm.WaitForReadyAsync([peer.Id]).WaitAsync(Patience);
    }

    [Fact]
    public async Task Strangers_that_are_turned_away_by_the_hundred_leave_nothing_behind()
    {
        await using var node = await TestNode.StartAsync(options => options.GoodbyeTimeout = options.CloseTimeout = TimeSpan.FromMilliseconds(200));
        await using var peer = await TestNode.StartAsync();
        var gate = node.Swarm.AddGate(new LinkGateTests.Gate { Link = (_, _, _) => new LinkRefusal(CloseReason.Refused, "no") });
        var links = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => peer.DialRawAsync(node)));
        foreach (var link in links) await link.Closed.WaitAsync(Patience);
        gate.Dispose();
        Assert.NotNull(await peer.ConnectAsync(node));
        await node.Swarm.ReadyAsync(peer.Id);
        Assert.Single(node.Swarm.Links);
    }

    private static async Task<IStream> OpenAsync(TestNode peer, TestNode node)
    {
        var link = await peer.ConnectAsync(node);
        return await link.OpenStreamAsync([LinkFrameCodec.Protocol]).AsTask().WaitAsync(Patience);
    }

    private static byte[] Framed(LinkFrame frame)
    {
        var body = LinkFrameCodec.Encode(frame);
        var bytes = new byte[Varint.MaxLength + body.Length];
        var prefix = Varint.Write(bytes, (ulong)body.Length);
        body.CopyTo(bytes, prefix);
        return bytes[..(prefix + body.Length)];
    }
}
