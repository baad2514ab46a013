using System.Text;
using Microsoft.Extensions.Configuration;

namespace Starling.Tests.Configuration;

public class StarlingConfigurationTests
{
    [Fact]
    public void Every_option_can_be_described_and_has_a_meaning()
    {
        var all = StarlingConfiguration.Describe(new StarlingOptions()).ToList();
        Assert.All(all, one => Assert.False(string.IsNullOrWhiteSpace(one.Meaning), $"{one.Path} has no documentation"));
        Assert.Equal("1024", all.Single(one => one.Path == "MaxLinks").Values!.Single());
        Assert.Contains("one more is refused", all.Single(one => one.Path == "MaxLinks").Meaning, StringComparison.Ordinal);
        Assert.Equal(all.Count, all.Select(one => one.Path).Distinct().Count());
    }

    [Fact]
    public void Every_option_is_described_so_that_it_can_be_read_back()
    {
        var options = new StarlingOptions { Listen = ["/ip4/127.0.0.1/tcp/0", "[::1]:0"], MaxLinks = 77, StopTimeout = TimeSpan.FromMilliseconds(1234), Mdns = true, DisplayName = "one" };
        var described = StarlingConfiguration.Describe(options).Where(one => !one.IsPart).ToList();
        var pairs = described.SelectMany(one => one.IsList
            ? one.Values!.Select((value, index) => KeyValuePair.Create($"{one.Path}:{index}", (string?)value))
            : [KeyValuePair.Create(one.Path, one.Values!.SingleOrDefault())]).Where(pair => pair.Value is not null);
        var back = StarlingConfiguration.Read(new ConfigurationBuilder().AddInMemoryCollection(pairs).Build());

        Assert.Equal(described.Select(Flat), StarlingConfiguration.Describe(back).Where(one => !one.IsPart).Select(Flat));
    }

    [Fact]
    public void A_file_may_hold_the_options_alone_or_in_a_section_of_their_own()
    {
        Assert.Equal(5, Read("{ \"MaxLinks\": 5 }").MaxLinks);
        Assert.Equal(5, Read("{ \"starling\": { \"maxlinks\": \"5\" }, \"Logging\": { \"Anything\": true } }").MaxLinks);
        Assert.Null(Read("{ \"DisplayName\": null }").DisplayName);
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "{ \"MaxLink\": 5 }", "MaxLink: there is no such option; MaxLinks is near" },
        { "{ \"Qwertyuiop\": 5 }", "Qwertyuiop: there is no such option; there are " },
        { "{ \"MaxLinks\": \"many\" }", "MaxLinks: 'many' is not a whole number" },
        { "{ \"MaxLinks\": 99999999999999 }", "MaxLinks: '99999999999999' is not a whole number" },
        { "{ \"MaxLinks\": null }", "MaxLinks: null is not a whole number" },
        { "{ \"MaxLinks\": [ 1 ] }", "MaxLinks: it has parts or a list" },
        { "{ \"MaxLinks\": 0 }", "MaxLinks: '0' is too small" },
        { "{ \"StopTimeout\": \"soon\" }", "StopTimeout: 'soon' is not a time" },
        { "{ \"Mdns\": \"perhaps\" }", "Mdns: 'perhaps' is not true or false" },
        { "{ \"Listen\": \"/ip4/127.0.0.1/tcp/0\" }", "Listen: '/ip4/127.0.0.1/tcp/0' is a single value; write a list" },
        { "{ \"Listen\": [ \"nonsense\" ] }", "Listen: 'nonsense' is no address" },
    };

    [Theory, MemberData(nameof(Wrong))]
    public void A_wrong_value_is_named_with_its_path(string json, string says) =>
        Assert.Contains($"Starling option {says}", Assert.Throws<StarlingException>(() => Read(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void Several_wrong_values_are_named_at_once()
    {
        var lines = Assert.Throws<StarlingException>(() => Read("{ \"MaxLink\": 5, \"MaxStreams\": \"x\", \"Mdns\": 3 }")).Message.Split(Environment.NewLine);
        Assert.Equal(3, lines.Length);
    }

    private static string Flat(OptionDescription one) => $"{one.Path}={string.Join(",", one.Values!)}";

    private static StarlingOptions Read(string json)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        return StarlingConfiguration.Read(new ConfigurationBuilder().AddJsonStream(stream).Build());
    }
}
