using System.Text.Json;

namespace Starling.Cli.Tests;

public sealed class AdministrationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Peers_of_a_running_node_are_shown_by_its_socket_and_by_its_identity()
    {
        var (key, socket) = (_folder.File("key"), _folder.File("node.sock"));
        await using var node = ToolProcess.Start("node", "--mdns", "off", "--admin", socket);
        await using var second = ToolProcess.Start("node", "--mdns", "off", "--identity", key, "--connect", await node.ListeningAsync());
        await node.ErrorLineAsync(line => line.StartsWith("connected ", StringComparison.Ordinal));
        await second.ErrorLineAsync(line => line.StartsWith("connected ", StringComparison.Ordinal));

        var there = await ToolProcess.RunAsync("peers", "--admin", socket, "--json");
        var here = await ToolProcess.RunAsync("peers", "--identity", key);

        Assert.Equal((0, 0), (there.Code, here.Code));
        var peer = JsonDocument.Parse(there.Output).RootElement;
        Assert.Equal("in", peer.GetProperty("direction").GetString());
        Assert.Equal("inbound", peer.GetProperty("why").GetString());
        Assert.Contains(" user ", here.Output);
        Assert.Contains(PeerOf(await second.ListeningAsync()), there.Output);
        Assert.Contains(PeerOf(await node.ListeningAsync()), here.Output);
        Assert.Equal(2, here.Output.Trim().Split('\n').Length);
    }

    [Fact]
    public async Task Topics_of_a_running_node_are_shown_with_their_followers_and_counts()
    {
        var socket = _folder.File("sub.sock");
        await using var sub = ToolProcess.Start("sub", "administered", "--listen", "/ip4/127.0.0.1/tcp/0", "--admin", socket);
        await using var pub = ToolProcess.Start("pub", "administered", "--connect", await sub.ListeningAsync());
        await pub.WriteAsync("one\ntwo\n"u8.ToArray());
        await sub.OutputLineAsync(line => line == "two");

        var json = await ToolProcess.RunAsync("topics", "--admin", socket, "--json");
        var text = await ToolProcess.RunAsync("topics", "--admin", socket);

        Assert.Equal((0, 0), (json.Code, text.Code));
        var topic = json.OutputLines.Select(line => JsonDocument.Parse(line).RootElement).Single(topic => topic.GetProperty("topic").GetString() == "administered");
        Assert.True(topic.GetProperty("followed").GetBoolean());

        // One or two bundles, and the mark that follows the last of them.
        Assert.InRange(topic.GetProperty("received").GetInt64(), 1, 3);
        Assert.Equal(0, topic.GetProperty("dropped").GetInt64());
        Assert.Equal(JsonValueKind.Array, topic.GetProperty("mesh").ValueKind);
        Assert.Matches("^TOPIC +KIND ", text.OutputLines[0]);
        Assert.Contains(text.OutputLines, line => line.StartsWith("administered ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Blocking_a_linked_peer_closes_its_link_until_it_is_removed()
    {
        var socket = _folder.File("node.sock");
        await using var node = ToolProcess.Start("node", "--mdns", "off", "--admin", socket, "--json");
        var listening = JsonDocument.Parse(await node.OutputLineAsync(line => line.Contains("\"listening\""))).RootElement.GetProperty("address").GetString()!;
        await using var other = ToolProcess.Start("node", "--mdns", "off", "--admin", "off", "--connect", listening);
        await node.OutputLineAsync(line => line.Contains("\"connected\""));
        var peer = PeerOf(await other.ListeningAsync());

        Assert.Equal(0, (await ToolProcess.RunAsync("block", "add", peer, "--admin", socket, "--note", "test")).Code);
        Assert.Contains("Blocked", await node.OutputLineAsync(line => line.Contains("\"disconnected\"")));
        Assert.Contains("Blocked", await other.ErrorLineAsync(line => line.StartsWith("disconnected ", StringComparison.Ordinal)));
        var listed = JsonDocument.Parse((await ToolProcess.RunAsync("block", "list", "--admin", socket, "--json")).Output).RootElement;
        Assert.Equal((peer, "test"), (listed.GetProperty("subject").GetString(), listed.GetProperty("note").GetString()));

        var refused = await ToolProcess.RunAsync("block", "remove", "10.0.0.0/8", "--admin", socket);
        Assert.Equal((1, true), (refused.Code, refused.Errors.Contains("is not on the blocklist", StringComparison.Ordinal)));
        Assert.Equal(0, (await ToolProcess.RunAsync("block", "remove", peer, "--admin", socket)).Code);
        Assert.Empty((await ToolProcess.RunAsync("block", "list", "--admin", socket)).Output);
        var wrong = await ToolProcess.RunAsync("block", "add", "10.0.0.0/99", "--admin", socket);
        Assert.Equal(1, wrong.Code);
        Assert.Contains("cannot be blocked", wrong.Errors);
    }

    [Fact]
    public async Task A_node_that_does_not_run_is_said_not_to()
    {
        var gone = await ToolProcess.RunAsync("peers", "--admin", _folder.File("nobody.sock"));
        Assert.Equal(1, gone.Code);
        Assert.Contains("No node answers at the admin socket", gone.Errors);
        Assert.Single(gone.Errors.Trim().Split('\n'));
    }

    [Fact]
    public async Task Nodes_start_together_when_all_are_registered_with_the_controller()
    {
        var token = _folder.File("token");
        await using var controller = ToolProcess.Start("controller", "--listen", "127.0.0.1:0", "--nodes", "2", "--token", token, "--json");
        var url = (await controller.ErrorLineAsync(line => line.StartsWith("listening ", StringComparison.Ordinal)))["listening ".Length..];
        await using var first = ToolProcess.Start("node", "--mdns", "off", "--admin", "off", "--controller", url, "--token", token);
        await first.ListeningAsync();
        await using var second = ToolProcess.Start("node", "--mdns", "off", "--admin", "off", "--controller", url, "--token", token, "--json");

        var started = JsonDocument.Parse(await controller.OutputLineAsync(line => line.Contains("started"))).RootElement;
        await first.ErrorLineAsync(line => line == "started with 2 nodes");
        await second.OutputLineAsync(line => line.Contains("\"started\""));
        Assert.Contains(PeerOf(await first.ListeningAsync()), started.GetProperty("nodes").EnumerateArray().Select(one => one.GetString()));
        Assert.DoesNotContain("started", first.Output);
        controller.Interrupt();
        Assert.Equal(0, await controller.ExitAsync());
    }

    [Fact]
    public async Task A_wrong_token_is_refused_in_one_line()
    {
        await using var controller = ToolProcess.Start("controller", "--listen", "127.0.0.1:0", "--nodes", "2", "--token", _folder.File("token"));
        var url = (await controller.ErrorLineAsync(line => line.StartsWith("listening ", StringComparison.Ordinal)))["listening ".Length..];
        var refused = await ToolProcess.RunAsync("node", "--mdns", "off", "--admin", "off", "--controller", url, "--token", _folder.File("other", "another-token-than-that"u8));
        Assert.Equal(1, refused.Code);
        Assert.Contains("token is missing or wrong", refused.Errors);
    }

    [Fact]
    public async Task The_printed_configuration_is_a_file_that_configures_the_same()
    {
        var printed = await ToolProcess.RunAsync("node", "--print-config");
        var file = _folder.File("all.json", System.Text.Encoding.UTF8.GetBytes(printed.Output));
        var again = await ToolProcess.RunAsync("node", "--config", file, "--print-config");

        Assert.Equal(0, again.Code);
        Assert.Equal(printed.Output, again.Output);
        Assert.Contains("// Links at once.", printed.Output);
        Assert.Contains("\"MaxLinks\": 1024", printed.Output);
    }

    [Fact]
    public async Task A_configured_node_takes_its_values_and_the_command_line_goes_first()
    {
        var file = _folder.File("node.json", "{ \"DisplayName\": \"configured\", \"Listen\": [\"/ip6/::1/tcp/0\"], \"Mdns\": false }"u8);
        await using var configured = ToolProcess.Start("node", "--config", file, "--admin", "off");
        Assert.StartsWith("/ip6/::1/", await configured.ListeningAsync());
        await using var overridden = ToolProcess.Start("node", "--config", file, "--admin", "off", "--listen", "127.0.0.1:0");
        Assert.StartsWith("/ip4/127.0.0.1/", await overridden.ListeningAsync());
    }

    [Theory]
    [InlineData("{ \"MaxLinks\": \"many\" }", "MaxLinks: 'many' is not a whole number")]
    [InlineData("{ \"MaxLnks\": 1 }", "MaxLnks: there is no such option; MaxLinks is near")]
    [InlineData("{", "is no JSON")]
    public async Task A_wrong_configuration_is_named_in_one_line(string json, string says)
    {
        var wrong = await ToolProcess.RunAsync("node", "--config", _folder.File("wrong.json", System.Text.Encoding.UTF8.GetBytes(json)));
        Assert.Equal(1, wrong.Code);
        Assert.Contains(says, wrong.Errors);
        Assert.Contains("wrong.json", wrong.Errors);
        Assert.Single(wrong.Errors.Trim().Split('\n'));
    }

    [Fact]
    public async Task The_doctor_follows_an_address_to_the_peer_behind_it()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off", "--admin", "off");
        var address = await node.ListeningAsync();
        var well = await ToolProcess.RunAsync("doctor", address, "--json");
        Assert.Equal(0, well.Code);
        var subjects = well.Output.Trim().Split('\n').Select(line => JsonDocument.Parse(line).RootElement.GetProperty("subject").GetString()).ToList();
        Assert.Equal(["handshake", "identify", "round trip"], subjects[^3..]);

        var bare = await ToolProcess.RunAsync("doctor", address[..address.IndexOf("/p2p/", StringComparison.Ordinal)]);
        Assert.Contains("the address names no peer", bare.Output);
    }

    [Fact]
    public async Task The_doctor_says_why_a_dial_fails_and_what_to_do()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        var port = ((System.Net.IPEndPoint)silent.LocalEndpoint).Port;
        silent.Stop();
        var refused = await ToolProcess.RunAsync("doctor", $"127.0.0.1:{port}");
        Assert.Equal(1, refused.Code);
        Assert.Contains("nobody listens at this port", refused.Output);

        await using var node = ToolProcess.Start("node", "--mdns", "off", "--admin", "off");
        await using var other = ToolProcess.Start("node", "--mdns", "off", "--admin", "off");
        var address = (await node.ListeningAsync()).Replace(PeerOf(await node.ListeningAsync()), PeerOf(await other.ListeningAsync()), StringComparison.Ordinal);
        var wrong = await ToolProcess.RunAsync("doctor", address);
        Assert.Equal(1, wrong.Code);
        Assert.Contains("another node lives at this address now", wrong.Output);
    }

    private static string PeerOf(string address) => address[(address.LastIndexOf('/') + 1)..];
}
