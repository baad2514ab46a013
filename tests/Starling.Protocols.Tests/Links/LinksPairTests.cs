using Starling.Protocols.Links;

namespace Starling.Protocols.Tests.Links;

public class LinksPairTests
{
    [Fact]
    public void Two_ends_that_dial_each_other_end_with_one_and_the_same_link()
    {
        for (var seed = 0ul; seed < 3000; seed++)
        {
            var random = RandomSource.Seeded(seed);
            var pair = new LinksPair(random.Fork("network"));
            for (var i = 0; i < 1 + random.Next(5); i++)
            {
                pair.Later(1500, () => pair.Small.Connect());
                pair.Later(1500, () => pair.Large.Connect());
            }

            pair.Run();

            Assert.True(pair.Small.Current is not null, $"seed {seed}: no link");
            Assert.True(pair.Small.Current == pair.Large.Current, $"seed {seed}: {pair.Small.Current} and {pair.Large.Current}");
            foreach (var end in new[] { pair.Small, pair.Large })
            {
                Assert.True(end.Core.LinkCount == 1, $"seed {seed}: {end.Core.LinkCount} links");
                Assert.True(end.Core.DialCount == 0, $"seed {seed}: {end.Core.DialCount} requests left");
                Assert.All(end.Dials.Values, dial => Assert.IsType<LinkEffect.CompleteDial>(dial));
                Assert.True(end.Trace.OfType<LinkEffect.Connected>().Count() == 1, $"seed {seed}: the user was told of more than one link");
                Assert.DoesNotContain(end.Trace, effect => effect is LinkEffect.Disconnected);
            }
        }
    }

    [Fact]
    public void Losing_links_on_the_way_never_leaves_the_ends_apart()
    {
        for (var seed = 0ul; seed < 2000; seed++)
        {
            var random = RandomSource.Seeded(seed);
            var pair = new LinksPair(random.Fork("network")) { LossPercent = 40 };
            for (var i = 0; i < 1 + random.Next(5); i++)
            {
                pair.Later(1500, () => pair.Small.Connect());
                pair.Later(1500, () => pair.Large.Connect());
            }

            pair.Run();

            Assert.True(pair.Small.Current == pair.Large.Current, $"seed {seed}: {pair.Small.Current} and {pair.Large.Current}");
            foreach (var end in new[] { pair.Small, pair.Large })
            {
                Assert.True(end.Core.DialCount == 0, $"seed {seed}: {end.Core.DialCount} requests left");
                Assert.True(end.Core.LinkCount <= 1, $"seed {seed}: {end.Core.LinkCount} links");
            }
        }
    }

    [Fact]
    public void A_node_that_is_linked_completes_a_request_without_dialling()
    {
        var pair = new LinksPair(RandomSource.Seeded(1));
        pair.Small.Connect();
        pair.Run();
        var again = pair.Large.Connect();
        pair.Run();

        Assert.Equal(new LinkEffect.CompleteDial(again, pair.Small.Current!.Value), pair.Large.Dials[again]);
        Assert.DoesNotContain(pair.Large.Trace, effect => effect is LinkEffect.BeginDial);
    }
}
