using System.Text;
using System.Text.Json.Nodes;
using Starling.Interop.Tests.Support;
using Starling.Net.PubSub;

namespace Starling.Interop.Tests;

/// <summary>Topics between a Starling node and js-libp2p's gossipsub, which signs and checks every message (StrictSign).</summary>
public sealed class JsTopicTests
{
    private const string Topic = "interop/weather";
    private static readonly Topic Plain = Net.PubSub.Topic.Plain(Topic);

    public static TheoryData<string, bool> Ways => new() { { "tls", true }, { "tls", false }, { "noise", true }, { "noise", false } };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_js_subscriber_gets_what_we_publish(string security, bool jsDials)
    {
        await using var js = await JsPeer.StartAsync(security);
        await using var node = await Peers.StartAsync();
        await LinkAsync(node, js, jsDials);
        await js.AskAsync("subscribe", new JsonObject { ["topic"] = Topic });
        await node.WaitForSubscribersAsync(Plain, 1, Token).Soon();

        var published = await node.PublishAsync(Plain, "rain"u8.ToArray(), Token);

        Assert.Equal(PublishStatus.Sent, published.Status);

        var message = await js.EventAsync("message");
        Assert.Equal(Topic, message.GetProperty("topic").GetString());
        Assert.Equal("rain", Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64()));
        Assert.Equal(node.PeerId.ToString(), message.GetProperty("from").GetString());
        Assert.Equal("signed", message.GetProperty("kind").GetString());
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task We_get_what_a_js_peer_publishes(string security, bool jsDials)
    {
        await using var js = await JsPeer.StartAsync(security);
        await using var node = await Peers.StartAsync();
        await using var subscription = await node.SubscribeAsync(Plain, cancellationToken: Token);
        await LinkAsync(node, js, jsDials);
        await js.EventAsync("subscription", e => e.GetProperty("topic").GetString() == Topic && e.GetProperty("peer").GetString() == node.PeerId.ToString());

        var published = await js.AskAsync("publish", new JsonObject { ["topic"] = Topic, ["data"] = Convert.ToBase64String("sun"u8) });

        Assert.Equal(node.PeerId.ToString(), Assert.Single(published.GetProperty("recipients").EnumerateArray()).GetString());
        var received = await subscription.FirstAsync().Soon();
        Assert.Equal(js.Id, received.Origin);
        Assert.Equal("sun"u8, received.Data.Span);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task LinkAsync(StarlingNode node, JsPeer js, bool jsDials)
    {
        if (jsDials) await js.AskAsync("dial", new JsonObject { ["address"] = node.Addresses[0].ToString() });
        else await node.DialAsync(js.FullAddress);
    }
}
