using Starling.Protocols.Spread;

namespace Starling.Protocols.Tests.Spread;

public sealed class SpreadWithdrawTests
{
    [Fact]
    public void What_is_withdrawn_is_offered_to_nobody_and_the_rest_still_is()
    {
        var graph = new SpreadGraph(3, rules: new SpreadRules(Deliver: true, Keep: true));
        graph.Link(0, 1);
        graph.Settle();
        var (gone, stays, own) = (graph.Publish(0), graph.Publish(0), graph.Publish(1));
        graph.Settle();

        Assert.True(graph.Nodes[1].Core.Withdraw(gone.Key, graph.Now));
        Assert.True(graph.Nodes[1].Core.Withdraw(own.Key, graph.Now));
        Assert.True(graph.Nodes[1].Core.Withdraw(own.Key, graph.Now));
        Assert.Equal(1, graph.Nodes[1].Core.Kept);
        graph.Link(1, 2);
        graph.Settle();

        Assert.Equal(stays.Id, Assert.Single(graph.Nodes[2].Delivered).Item.Id);
    }

    [Fact]
    public void What_is_withdrawn_before_its_verdict_goes_on_and_is_not_kept()
    {
        var graph = new SpreadGraph(4, rules: new SpreadRules(Deliver: true, Keep: true, Validate: true));
        graph.Link(0, 1);
        graph.Link(1, 2);
        graph.Settle();
        var item = graph.Publish(0);
        graph.Settle();
        Assert.True(graph.Nodes[1].Core.Withdraw(item.Key, graph.Now));
        graph.Judge(1, item.Key, SpreadVerdict.Accept);
        graph.Settle();

        Assert.Single(graph.Nodes[1].Delivered);
        Assert.Equal(0, graph.Nodes[1].Core.Kept);
        Assert.Equal(1, graph.Nodes[2].Core.Pending);
    }

    [Fact]
    public void What_is_forgotten_cannot_be_withdrawn()
    {
        var graph = new SpreadGraph(1, rules: new SpreadRules(Deliver: true, Keep: true));
        var item = graph.Publish(0);
        graph.Now += TimeSpan.FromHours(1);

        Assert.False(graph.Nodes[0].Core.Withdraw(item.Key, graph.Now));
    }
}
