using System.Threading.Channels;
using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

public class LinkKindTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_transient_link_is_one_at_both_ends_from_the_beginning()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var seen = new Kinds(b.Swarm);
        for (var round = 0; round < 30; round++)
        {
            var (from, to) = round % 2 == 0 ? (a, b) : (b, a);
            var link = await ConnectAsync(from, to, LinkKind.Transient);
            Assert.Equal(LinkKind.Transient, link.Kind);
            Assert.Equal("connected Transient", await seen.NextAsync());
            await a.Swarm.DisconnectAsync(b.Id).WaitAsync(Patience);
            Assert.Equal("disconnected", await seen.NextAsync());
        }
    }

    [Fact]
    public async Task A_transient_link_is_made_direct_and_transient_again_and_both_users_are_told()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var atA = new Kinds(a.Swarm);
        var atB = new Kinds(b.Swarm);
        await ConnectAsync(a, b, LinkKind.Transient);
        Assert.Equal(("connected Transient", "connected Transient"), (await atA.NextAsync(), await atB.NextAsync()));

        await a.Swarm.SetKindAsync(a.Swarm.FindLink(b.Id)!, LinkKind.Direct).WaitAsync(Patience);
        Assert.Equal(("Direct", "Direct"), (await atA.NextAsync(), await atB.NextAsync()));
        Assert.Equal((LinkKind.Direct, LinkKind.Direct), (a.Swarm.FindLink(b.Id)!.Kind, (await b.Swarm.ReadyAsync(a.Id)).Kind));

        await b.Swarm.SetKindAsync((await b.Swarm.ReadyAsync(a.Id)), LinkKind.Transient).WaitAsync(Patience);
        Assert.Equal(("Transient", "Transient"), (await atA.NextAsync(), await atB.NextAsync()));
    }

    [Fact]
    public async Task Asking_for_a_direct_link_makes_a_transient_one_direct_and_never_the_other_way_round()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var transient = await ConnectAsync(a, b, LinkKind.Transient);
        var direct = await ConnectAsync(a, b, LinkKind.Direct);
        Assert.Same(transient, direct);
        Assert.Equal((LinkKind.Direct, LinkKind.Direct), (direct.Kind, (await b.Swarm.ReadyAsync(a.Id)).Kind));
        Assert.Equal(LinkKind.Direct, (await ConnectAsync(b, a, LinkKind.Transient)).Kind);
    }

    [Fact]
    public async Task A_refused_upgrade_says_why_and_leaves_the_link_as_it_was()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        var asked = b.Swarm.AddGate(new LinkGateTests.Gate { Kind = (_, kind) => kind == LinkKind.Direct ? new LinkRefusal(CloseReason.Refused, "eight neighbours are enough") : null });
        await ConnectAsync(a, b, LinkKind.Transient);

        var byRemote = await Assert.ThrowsAsync<LinkKindRefusedException>(() => a.Swarm.SetKindAsync(a.Swarm.FindLink(b.Id)!, LinkKind.Direct).WaitAsync(Patience));
        Assert.True(byRemote.ByRemote);
        Assert.Contains("eight neighbours are enough", byRemote.Message, StringComparison.Ordinal);
        var connect = await Assert.ThrowsAsync<HandshakeException>(() => ConnectAsync(a, b, LinkKind.Direct));
        Assert.Equal(HandshakeFailure.RefusedByRemote, connect.Failure);
        var byUs = await Assert.ThrowsAsync<LinkKindRefusedException>(async () => await b.Swarm.SetKindAsync((await b.Swarm.ReadyAsync(a.Id)), LinkKind.Direct).WaitAsync(Patience));
        Assert.False(byUs.ByRemote);
        Assert.Equal((LinkKind.Transient, LinkKind.Transient), (a.Swarm.FindLink(b.Id)!.Kind, (await b.Swarm.ReadyAsync(a.Id)).Kind));

        asked.Dispose();
        await ConnectAsync(a, b, LinkKind.Direct);
        Assert.Equal(LinkKind.Direct, (await b.Swarm.ReadyAsync(a.Id)).Kind);
    }

    [Fact]
    public async Task Crossing_changes_leave_both_ends_with_the_same_kind()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await ConnectAsync(a, b, LinkKind.Transient);
        var (atA, atB) = (a.Swarm.FindLink(b.Id)!, (await b.Swarm.ReadyAsync(a.Id)));
        for (var round = 0; round < 25; round++)
        {
            var kind = round % 2 == 0 ? LinkKind.Direct : LinkKind.Transient;
            var other = round % 4 < 2 ? LinkKind.Direct : LinkKind.Transient;
            await Task.WhenAll(Task.Run(() => a.Swarm.SetKindAsync(atA, kind)), Task.Run(() => b.Swarm.SetKindAsync(atB, other)), Task.Run(() => a.Swarm.SetKindAsync(atA, other))).WaitAsync(Patience);

            // One more change by each end settles what was under way.
            await a.Swarm.SetKindAsync(atA, LinkKind.Direct).WaitAsync(Patience);
            await b.Swarm.SetKindAsync(atB, LinkKind.Direct).WaitAsync(Patience);
            Assert.Equal((LinkKind.Direct, LinkKind.Direct), (atA.Kind, atB.Kind));
        }
    }

    [Fact]
    public async Task A_simultaneous_transient_and_direct_dial_ends_direct_at_both_ends()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        for (var round = 0; round < 30; round++)
        {
            await Task.WhenAll(Task.Run(() => ConnectAsync(a, b, LinkKind.Transient)), Task.Run(() => ConnectAsync(b, a, LinkKind.Direct)));
            Assert.Equal(LinkKind.Direct, (await b.Swarm.ReadyAsync(a.Id)).Kind);
            await a.Swarm.SetKindAsync(a.Swarm.FindLink(b.Id)!, LinkKind.Direct).WaitAsync(Patience);
            await a.Swarm.DisconnectAsync(b.Id).WaitAsync(Patience);
            foreach (var node in new[] { a, b })
            {
                Assert.Equal("connected", await node.NextEventAsync());
                Assert.StartsWith("disconnected", await node.NextEventAsync(), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_cancelled_change_still_leaves_both_ends_agreed()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await ConnectAsync(a, b, LinkKind.Transient);
        var (atA, atB) = (a.Swarm.FindLink(b.Id)!, (await b.Swarm.ReadyAsync(a.Id)));
        for (var round = 0; round < 20; round++)
        {
            using var cancel = new CancellationTokenSource();
            var changing = a.Swarm.SetKindAsync(atA, round % 2 == 0 ? LinkKind.Direct : LinkKind.Transient, cancel.Token);
            for (var i = 0; i < round; i++) await Task.Yield();
            await cancel.CancelAsync();
            await Task.WhenAny(changing).WaitAsync(Patience);
        }

        await a.Swarm.SetKindAsync(atA, LinkKind.Direct).WaitAsync(Patience);
        await b.Swarm.SetKindAsync(atB, LinkKind.Transient).WaitAsync(Patience);
        Assert.Equal((LinkKind.Transient, LinkKind.Transient), (atA.Kind, atB.Kind));
    }

    [Fact]
    public async Task A_change_whose_link_ends_fails_at_once()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        using var entered = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        b.Swarm.AddGate(new LinkGateTests.Gate
        {
            Kind = (_, _) =>
            {
                entered.Set();
                go.Wait(Patience);
                return null;
            },
        });
        await ConnectAsync(a, b, LinkKind.Transient);
        var changing = a.Swarm.SetKindAsync(a.Swarm.FindLink(b.Id)!, LinkKind.Direct);
        await Task.Run(() => Assert.True(entered.Wait(Patience)));
        b.Transport.Kill();
        await Assert.ThrowsAsync<ConnectionClosedException>(() => changing.WaitAsync(Patience));
        go.Set();
    }

    private static Task<IPeerLink> ConnectAsync(TestNode from, TestNode to, LinkKind kind) =>
        from.Swarm.ConnectAsync(to.Id, to.Addresses, kind).WaitAsync(Patience);

    private sealed class Kinds : ILinkObserver
    {
        private readonly Channel<string> _seen = Channel.CreateBounded<string>(10_000);

        public Kinds(Swarm swarm) => swarm.Observe(this);

        public async Task<string> NextAsync() => await _seen.Reader.ReadAsync().AsTask().WaitAsync(Patience);

        public void OnConnected(IPeerLink link) => _seen.Writer.TryWrite($"connected {link.Kind}");

        public void OnIdentified(IPeerLink link)
        {
        }

        public void OnKindChanged(IPeerLink link) => _seen.Writer.TryWrite(link.Kind.ToString());

        public void OnDisconnected(IPeerLink link, CloseInfo why) => _seen.Writer.TryWrite("disconnected");
    }
}
