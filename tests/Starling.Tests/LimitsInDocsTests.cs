using System.Globalization;
using System.Text.RegularExpressions;
using Starling.Net.Discovery;
using Starling.Net.Joining;
using Starling.Net.Links;
using Starling.Net.Messages;
using Starling.Net.PubSub;
using Starling.Net.Requests;
using Starling.Net.Transport;
using Starling.Protocols.Discovery;
using Starling.Protocols.Links;
using Starling.Protocols.Messages;
using Starling.Protocols.Yamux;

namespace Starling.Tests;

/// <summary>What <c>docs/</c> says of limits is what the code does by default.</summary>
public partial class LimitsInDocsTests
{
    private static readonly object[] Options =
    [
        new MessageOptions(), new ForwarderOptions(), new Starling.Gateways.Gossip.GossipApiOptions(),
        new StarlingOptions(), new ResourceBudgetOptions(), new UpgraderOptions(), new DialerOptions(), new YamuxOptions(), new SwarmOptions(),
        new LinksOptions(), new PubSubServiceOptions(), new Starling.Net.PubSub.Streams.StreamTopicOptions(), new SubscriptionOptions(), new Starling.Protocols.PubSub.GossipOptions(), new MdnsOptions(), new MdnsDiscoveryOptions(), new SsdpDiscoveryOptions(), new DiscoverySearch(), new JoinOptions(), new LinkManagerOptions(),
        new Starling.Protocols.Groups.GroupOptions(), new Starling.Protocols.PubSub.Scoring.PeerScoreOptions(), new HealthOptions(), new PeerBookOptions(), new RestrictionsOptions(), new ScopeLimits(), new RequestServiceOptions(),
        new Starling.Net.Spread.SpreadServiceOptions(), new Starling.Net.Spread.OverlaySearchOptions(), new Starling.Net.Spread.SearchOptions(), new Starling.Net.Pairing.PairingOptions(), new Starling.Net.Pairing.PairingServiceOptions(), new Starling.Net.Exchange.PeerExchangeOptions(),
    ];

    private static readonly string Root = FindRoot();

    public static TheoryData<string> Pages => [.. Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").Select(path => Path.GetFileName(path)!)];

    [Theory, MemberData(nameof(Pages))]
    public void Limits_are_the_defaults_of_the_options_that_they_name(string page)
    {
        foreach (Match limit in Limit().Matches(Read(page)))
        {
            var name = limit.Groups["name"].Value;
            var defaults = Options.Select(options => options.GetType().GetProperty(name)?.GetValue(options)).Where(value => value is int or long or TimeSpan).ToList();
            Assert.True(defaults.Count > 0, $"{page}: no options class has a {name}.");
            Assert.True(defaults.Any(value => IsSame(value!, limit)), $"{page}: '{limit.Value}', but the default is {string.Join(" or ", defaults)}.");
        }
    }

    [Fact]
    public void The_wire_page_names_its_limits() => Assert.True(Limit().Count(Read("wire.md")) >= 20);

    private static bool IsSame(object value, Match said)
    {
        var number = decimal.Parse(said.Groups["number"].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
        return said.Groups["unit"].Value switch
        {
            "ms" => value is TimeSpan span && span.TotalMilliseconds == (double)number,
            "s" => value is TimeSpan span && span.TotalSeconds == (double)number,
            "min" => value is TimeSpan span && span.TotalMinutes == (double)number,
            "KiB" => value is not TimeSpan && Convert.ToDecimal(value, CultureInfo.InvariantCulture) == number * 1024,
            "MiB" => value is not TimeSpan && Convert.ToDecimal(value, CultureInfo.InvariantCulture) == number * 1024 * 1024,
            _ => value is not TimeSpan && Convert.ToDecimal(value, CultureInfo.InvariantCulture) == number,
        };
    }

    private static string Read(string page) => File.ReadAllText(Path.Combine(Root, "docs", page));

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Starling.slnx"))) directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("Starling.slnx is in no directory above the tests.");
    }

    /// <summary>Such as <c>`MaxStreamWindow`, 16 MiB</c>, <c>`KeepAliveInterval` (30 s)</c>, and a name and a number in neighbouring cells of a table.</summary>
    [GeneratedRegex(@"`(?<name>[A-Z]\w+)`(?:, | \(| \| )(?<number>\d[\d,]*\d|\d)(?: (?<unit>ms|s|min|KiB|MiB|bytes|characters)\b)?")]
    private static partial Regex Limit();
}
