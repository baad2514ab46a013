using Starling.Protocols.PubSub;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>Names of topics on the wire, and patterns over their levels.</summary>
public sealed class TopicNamesTests
{
    [Theory]
    [InlineData("prices.*", "prices.eur", true)]
    [InlineData("prices.*", "prices.eur.spot", false)]
    [InlineData("prices.*", "prices", false)]
    [InlineData("prices.*", "prices.", true)]
    [InlineData("prices.>", "prices.eur", true)]
    [InlineData("prices.>", "prices.eur.spot", true)]
    [InlineData("prices.>", "prices", false)]
    [InlineData("*.eur.*", "prices.eur.spot", true)]
    [InlineData("*.eur.*", "prices.usd.spot", false)]
    [InlineData(">", "anything.at.all", true)]
    [InlineData("*", "anything", true)]
    [InlineData("*", "any.thing", false)]
    [InlineData("a.>.b", "a.>.b", false)]
    [InlineData("prices.*", "prices.*", false)]
    [InlineData("prices.e*", "prices.eur", false)]
    [InlineData("prices", "prices", false)]
    [InlineData(">", "$group/workers/prices", false)]
    [InlineData("*", "$group", false)]
    [InlineData("$group.*", "$group.a", true)]
    public void A_pattern_matches_level_by_level_on_the_wire_as_in_a_program(string pattern, string name, bool matches)
    {
        Assert.Equal(matches, TopicNames.Matches(pattern, name));
        Assert.Equal(matches, TopicNames.Matches(TopicNames.ToWire(pattern, true), TopicNames.ToWire(name, true)));
    }

    [Theory]
    [InlineData("prices.*", true)]
    [InlineData("*", true)]
    [InlineData(">", true)]
    [InlineData("a.*.b", true)]
    [InlineData("a.>", true)]
    [InlineData("a.>.b", false)]
    [InlineData("a.b*", false)]
    [InlineData("a", false)]
    [InlineData("", false)]
    public void A_name_with_a_whole_level_for_any_is_a_pattern(string name, bool isPattern)
    {
        Assert.Equal(isPattern, TopicNames.IsPattern(name));
        Assert.Equal(isPattern, TopicNames.IsPattern(TopicNames.ToWire(name, true)));
    }

    [Fact]
    public void Plain_patterns_and_stream_topics_do_not_meet()
    {
        Assert.False(TopicNames.Matches(">", TopicNames.ToWire("a.b", true)));
        Assert.False(TopicNames.Matches(TopicNames.ToWire(">", true), "a.b"));
        Assert.True(TopicNames.IsStream(TopicNames.ToWire("a", true)));
        Assert.Equal("a", TopicNames.ToWire("a", false));
    }
}
