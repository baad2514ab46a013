using System.Text.Json;
using Starling.Net.Spread;

namespace Starling.Cli.Tests;

public sealed class NodeTests
{
    private const string Loopback = "/ip4/127.0.0.1/tcp/0";

    [Fact]
    public async Task A_node_says_where_it_listens_and_ends_cleanly_on_interrupt()
    {
        await using var node = ToolProcess.Start("node", "--listen", Loopback, "--listen", "/ip6/::1/tcp/0", "--mdns", "off");
        var four = await node.ErrorLineAsync(line => line.StartsWith("listening /ip4/127.0.0.1/tcp/", StringComparison.Ordinal));
        var six = await node.ErrorLineAsync(line => line.StartsWith("listening /ip6/::1/tcp/", StringComparison.Ordinal));

        node.Interrupt();

        Assert.Equal(0, await node.ExitAsync());
        Assert.Empty(node.Output);
        Assert.DoesNotContain("/tcp/0/", four + six);
        Assert.Equal(PeerOf(four), PeerOf(six));
        Assert.NotNull(PeerOf(four));
    }

    [Fact]
    public async Task A_root_hands_on_what_it_does_not_know()
    {
        await using var root = ToolProcess.Start("node", "--root", "--listen", Loopback, "--mdns", "off", "--admin", "off");
        var address = (await root.ErrorLineAsync(line => line.StartsWith("listening /ip4/127.0.0.1/tcp/", StringComparison.Ordinal)))["listening ".Length..];
        await using var left = await StarlingNode.StartAsync();
        await using var right = await StarlingNode.StartAsync();
        var kind = SpreadKind.Named("test/unknown-to-the-root");
        var taken = new TaskCompletionSource<byte>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var taking = right.Spread.Register(kind, new SpreadHandlers
        {
            OnItem = (item, _) =>
            {
                taken.SetResult(item.Payload.Span[0]);
                return ValueTask.CompletedTask;
            },
        });
        await left.ConnectAsync(address);
        await right.ConnectAsync(address);

        // The root learns of a link a moment after its peer does; who serves a subject is asked until it is found.
        using var serving = right.Serve("marker");
        await foreach (var _ in left.SearchAsync("marker", new SearchOptions { Limit = 1, Timeout = TimeSpan.FromSeconds(20) })) break;
        await left.Spread.PublishAsync(kind, new byte[] { 5 });

        Assert.Equal(5, await taken.Task.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task A_node_ends_cleanly_on_terminate_and_says_good_bye_to_its_peers()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off", "--json");
        var listening = await EventAsync(node, "listening");
        await using var other = ToolProcess.Start("node", "--mdns", "off", "--json", "--connect", Text(listening, "address"));
        await EventAsync(node, "connected");
        await EventAsync(other, "connected");

        other.Terminate();

        Assert.Equal(0, await other.ExitAsync());
        Assert.Equal("RemoteClose", Text(await EventAsync(node, "disconnected"), "reason").Split(':')[0]);
    }

    [Fact]
    public async Task Events_are_one_object_a_line_with_peer_address_and_reason()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off", "--json");
        var listening = await EventAsync(node, "listening");
        await using var other = ToolProcess.Start("node", "--mdns", "off", "--json", "--connect", Text(listening, "address"));
        var connected = await EventAsync(node, "connected");
        var identified = await EventAsync(node, "identified");
        var dialled = await EventAsync(other, "connected");
        node.Interrupt();
        await node.ExitAsync();

        var here = Text(listening, "peer");
        var there = Text(connected, "peer");
        Assert.EndsWith($"/p2p/{here}", Text(listening, "address"));
        Assert.Equal(there, Text(identified, "peer"));
        Assert.Equal(here, Text(dialled, "peer"));
        Assert.StartsWith("/ip4/127.0.0.1/tcp/", Text(dialled, "address"));
        Assert.All(node.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), line =>
        {
            var names = JsonDocument.Parse(line).RootElement.EnumerateObject().Select(one => one.Name);
            Assert.Equal(["event", "peer", "address", "reason"], names);
        });
    }

    [Fact]
    public async Task A_peer_that_is_killed_is_seen_as_disconnected_with_the_reason()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off", "--json");
        var address = Text(await EventAsync(node, "listening"), "address");
        await using var other = ToolProcess.Start("node", "--mdns", "off", "--connect", address);
        var peer = Text(await EventAsync(node, "connected"), "peer");

        other.KillHard();

        var gone = await EventAsync(node, "disconnected");
        Assert.Equal(peer, Text(gone, "peer"));
        Assert.Contains(Text(gone, "reason").Split(':')[0], new[] { "EndOfStream", "TransportError" });
    }

    [Fact]
    public async Task Two_nodes_find_each_other_by_multicast_and_keep_the_ids_of_their_key_files()
    {
        using var folder = new TemporaryFolder();
        var id = (await ToolProcess.RunAsync("id", "--identity", folder.File("first.key"))).OutputLines.Single();
        await using var first = ToolProcess.Start("node", "--json", "--identity", folder.File("first.key"));
        Assert.Equal(id, Text(await EventAsync(first, "listening"), "peer"));
        await using var second = ToolProcess.Start("node", "--json");

        var found = await second.OutputLineAsync(line => line.Contains("\"connected\"", StringComparison.Ordinal) && line.Contains(id, StringComparison.Ordinal));

        Assert.Contains("/ip4/127.0.0.1/tcp/", found);
    }

    [Fact]
    public async Task An_address_that_nobody_answers_is_one_line_and_exit_code_one()
    {
        var run = await ToolProcess.RunAsync("node", "--mdns", "off", "--connect", "/ip4/127.0.0.1/tcp/1");

        Assert.Equal(1, run.Code);
        Assert.Contains("/ip4/127.0.0.1/tcp/1", run.ErrorLines.Single(line => !line.StartsWith("listening ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_address_that_is_taken_is_one_line_and_exit_code_one()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off");
        var taken = Multiaddr.Parse(await node.ListeningAsync()).WithoutPeerId().ToString()!;

        var run = await ToolProcess.RunAsync("node", "--mdns", "off", "--listen", taken);

        Assert.Equal(1, run.Code);
        Assert.Contains(taken, Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task Another_peer_at_the_dialled_address_is_refused_by_name()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off");
        var address = Multiaddr.Parse(await node.ListeningAsync());
        var expected = (await ToolProcess.RunAsync("id")).OutputLines.Single();

        var run = await ToolProcess.RunAsync("ping", address.WithPeerId(PeerId.Parse(expected)).ToString()!);

        Assert.Equal(1, run.Code);
        Assert.Contains(expected, Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task A_ping_prints_each_round_trip_and_a_summary()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off");
        var address = await node.ListeningAsync();

        var run = await ToolProcess.RunAsync("ping", address, "--count", "3");

        Assert.Equal((0, ""), (run.Code, run.Errors));
        Assert.Equal(4, run.OutputLines.Length);
        Assert.All(run.OutputLines[..3], line => Assert.Contains(" ms", line));
        Assert.Contains("3 of 3", run.OutputLines[3]);
    }

    [Fact]
    public async Task A_ping_in_json_is_an_object_a_line()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off");
        var address = await node.ListeningAsync();

        var run = await ToolProcess.RunAsync("ping", address, "--count", "2", "--json");

        var lines = run.OutputLines.Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(3, lines.Count);
        Assert.All(lines[..2], line => Assert.True(line.GetProperty("milliseconds").GetDouble() > 0));
        Assert.Equal(2, lines[2].GetProperty("received").GetInt32());
        Assert.Equal(PeerOf(address), lines[2].GetProperty("peer").GetString());
    }

    private static string? PeerOf(string address) => address.Split("/p2p/").ElementAtOrDefault(1);

    private static string Text(JsonElement line, string name) => line.GetProperty(name).GetString()!;

    private static async Task<JsonElement> EventAsync(ToolProcess tool, string name) =>
        JsonDocument.Parse(await tool.OutputLineAsync(line => line.Contains($"\"event\":\"{name}\"", StringComparison.Ordinal))).RootElement;
}
