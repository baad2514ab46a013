using System.Text;

namespace Starling.Tests;

public class StarlingNodeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Two_nodes_with_default_options_exchange_a_message()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync(new StarlingOptions { DisplayName = "bob" });
        b.Handle("/hello/1.0.0", async (stream, cancelled) => await stream.WriteAsync("hello"u8.ToArray(), cancelled));

        var link = await a.ConnectAsync(b.Addresses[0].ToString()).WaitAsync(Patience);
        Assert.Equal((b.PeerId, "bob", "/tls/1.0.0"), (link.Peer, link.Info.DisplayName, link.Connection.Security));
        await using var stream = await a.OpenStreamAsync(b.PeerId, "/hello/1.0.0");
        using var reader = new StreamReader(stream.AsStream());
        Assert.Equal("hello", await reader.ReadToEndAsync().WaitAsync(Patience));
        Assert.True(await a.PingAsync(b.PeerId).WaitAsync(Patience) > TimeSpan.Zero);
        Assert.All(b.Addresses, address => Assert.True(address.IsLoopback));
    }

    [Theory]
    [InlineData("tls", "/tls/1.0.0")]
    [InlineData("noise", "/noise")]
    public async Task The_security_protocol_can_be_chosen(string name, string protocol)
    {
        await using var a = await StarlingNode.StartAsync(new StarlingOptions { Security = [name] });
        await using var b = await StarlingNode.StartAsync();
        var link = await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        Assert.Equal(protocol, link.Connection.Security);
    }

    [Fact]
    public async Task Events_tell_the_life_of_a_node_in_order()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        await using var events = a.EventsAsync().GetAsyncEnumerator();
        Assert.Equal(a.Addresses[0], Assert.IsType<NodeEvent.Listening>(await NextAsync(events)).Address);

        await b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience);
        Assert.Equal(b.PeerId, Assert.IsType<NodeEvent.Connected>(await NextAsync(events)).Link.Peer);
        var registration = b.Handle("/new/1.0.0", (_, _) => Task.CompletedTask);
        Assert.Contains("/new/1.0.0", Assert.IsType<NodeEvent.Identified>(await NextAsync(events)).Link.Info.Protocols);
        registration.Dispose();
        Assert.IsType<NodeEvent.Identified>(await NextAsync(events));
        await b.DisconnectAsync(a.PeerId).WaitAsync(Patience);
        Assert.Equal(CloseReason.RemoteClose, Assert.IsType<NodeEvent.Disconnected>(await NextAsync(events)).Why.Reason);
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience));
        Assert.Empty(Assert.IsType<NodeEvent.NeighboursChanged>(events.Current).Neighbours);

        await a.StopAsync().WaitAsync(Patience);
        Assert.False(await events.MoveNextAsync().AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_topic_reaches_its_subscriber()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        await using var subscription = await b.SubscribeAsync("news");
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        await a.WaitForSubscribersAsync("news").WaitAsync(Patience);

        Assert.True((await a.PublishAsync("news", "first"u8.ToArray())).IsSent);
        await using var messages = subscription.GetAsyncEnumerator();
        Assert.True(await messages.MoveNextAsync().AsTask().WaitAsync(Patience));
        Assert.Equal(("first", a.PeerId), (Encoding.UTF8.GetString(messages.Current.Data.Span), messages.Current.Origin));
    }

    [Fact]
    public async Task An_identity_file_keeps_the_peer_id()
    {
        var file = Path.Combine(Path.GetTempPath(), $"starling-{Environment.ProcessId}-{nameof(An_identity_file_keeps_the_peer_id)}.key");
        try
        {
            var options = new StarlingOptions { IdentityFile = file };
            PeerId first;
            await using (var node = await StarlingNode.StartAsync(options)) first = node.PeerId;
            await using var again = await StarlingNode.StartAsync(options);
            Assert.Equal(first, again.PeerId);
            Assert.True(File.Exists($"{file}.start"));
        }
        finally
        {
            File.Delete(file);
            File.Delete($"{file}.start");
        }
    }

    [Fact]
    public async Task A_bootstrap_address_is_linked_without_being_asked_for()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync(new StarlingOptions { Bootstrap = [a.Addresses[0].ToString()] });
        await using var events = b.EventsAsync().GetAsyncEnumerator();
        Assert.IsType<NodeEvent.Listening>(await NextAsync(events));
        Assert.Equal(a.PeerId, Assert.IsType<NodeEvent.Connected>(await NextAsync(events)).Link.Peer);
    }

    [Fact]
    public async Task Wrong_options_are_named_all_at_once_with_what_to_do()
    {
        var error = await Assert.ThrowsAsync<StarlingException>(() => StarlingNode.StartAsync(new StarlingOptions
        {
            Listen = ["/ip4/127.0.0.1/tcp/banana"],
            Bootstrap = ["nowhere"],
            Security = ["rot13"],
            Discovery = { Interfaces = ["::1"] },
            MaxLinks = 0,
            DialTimeout = TimeSpan.Zero,
            DisplayName = new string('x', 65),
        }));
        foreach (var option in new[] { "Listen", "Bootstrap", "Security", "Discovery:Interfaces", "MaxLinks", "DialTimeout", "DisplayName" })
        {
            Assert.Contains($"Starling option {option}: ", error.Message, StringComparison.Ordinal);
        }

        Assert.Contains("'rot13' is no security protocol; use tls or noise", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_at_its_limit_refuses_one_more_link_on_both_sides()
    {
        await using var a = await StarlingNode.StartAsync(new StarlingOptions { MaxLinks = 1 });
        await using var b = await StarlingNode.StartAsync();
        await using var c = await StarlingNode.StartAsync();
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        var asDialler = await Assert.ThrowsAsync<HandshakeException>(() => a.ConnectAsync(c.Addresses[0]).WaitAsync(Patience));
        var asListener = await Assert.ThrowsAsync<HandshakeException>(() => c.ConnectAsync(a.Addresses[0]).WaitAsync(Patience));
        Assert.Equal((HandshakeFailure.RefusedLocally, HandshakeFailure.RefusedByRemote), (asDialler.Failure, asListener.Failure));
        Assert.Contains("MaxLinks", asDialler.Message, StringComparison.Ordinal);
        Assert.Equal(1, a.Budget.Used(ResourceKind.Links));
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        await using var a = await StarlingNode.StartAsync();
        var taken = a.Addresses[0].WithoutPeerId().ToString();
        var error = await Assert.ThrowsAnyAsync<StarlingException>(() => StarlingNode.StartAsync(new StarlingOptions { Listen = [taken] }));
        Assert.Contains(taken, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_to_a_peer_without_a_link_says_to_connect_first()
    {
        await using var a = await StarlingNode.StartAsync();
        using var stranger = NodeIdentity.Generate();
        var error = await Assert.ThrowsAsync<StarlingException>(() => a.OpenStreamAsync(stranger.PeerId, "/x/1").AsTask());
        Assert.Contains("connect to it first", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopping_twice_and_disposing_afterwards_is_harmless()
    {
        var node = await StarlingNode.StartAsync();
        await Task.WhenAll(node.StopAsync(), node.StopAsync()).WaitAsync(Patience);
        await node.DisposeAsync();
        ((IDisposable)node).Dispose();
    }

    private static async Task<NodeEvent> NextAsync(IAsyncEnumerator<NodeEvent> events)
    {
        do Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience));
        while (events.Current is NodeEvent.NeighboursChanged);
        return events.Current;
    }
}
