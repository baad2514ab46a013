using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Starling.Tests;

public sealed class AdminTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("starling-admin-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string SocketPath => Path.Combine(_folder.FullName, "a.sock");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("1e300")]
    [InlineData("2e11")]
    public async Task A_block_of_more_seconds_than_time_has_is_made(string seconds)
    {
        await using var node = await StartAsync();
        var entry = await BlockAsync(seconds);
        Assert.Equal("10.0.0.0/8", entry.GetProperty("subject").GetString());
        Assert.Single(node.Restrictions.Blocked);
    }

    [Theory]
    [InlineData("-1e300")]
    [InlineData("0")]
    [InlineData("\"60\"")]
    public async Task A_block_of_no_seconds_is_refused_and_not_made_for_ever(string seconds)
    {
        await using var node = await StartAsync();
        var error = await Assert.ThrowsAsync<StarlingException>(() => BlockAsync(seconds));
        Assert.Contains("seconds", error.Message, StringComparison.Ordinal);
        Assert.Empty(node.Restrictions.Blocked);
    }

    [Fact]
    public async Task The_admin_socket_is_for_its_owner_alone_and_tells_the_links()
    {
        await using var node = await StartAsync();
        await using var other = await StarlingNode.StartAsync(new StarlingOptions { DisplayName = "other" }, Cancelled);
        await other.ConnectAsync(node.Addresses[0], Cancelled);
        await WaitForLinkAsync(node);

        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
        var peer = (await AdminClient.CallAsync(SocketPath, "peers", null, Cancelled).WaitAsync(Patience)).EnumerateArray().Single();
        Assert.Equal(other.PeerId.ToString(), peer.GetProperty("peer").GetString());
        Assert.Equal("other", peer.GetProperty("name").GetString());
        Assert.Equal("in", peer.GetProperty("direction").GetString());
        Assert.True(peer.GetProperty("bytesIn").GetInt64() > 0);
        Assert.Equal(node.PeerId.ToString(), (await AdminClient.CallAsync(SocketPath, "node", null, Cancelled)).GetProperty("peer").GetString());
    }

    [Fact]
    public async Task The_socket_of_a_dead_node_is_replaced_and_that_of_a_running_one_is_not()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(SocketPath));
            File.Move(SocketPath, SocketPath + "x"); // So that closing it does not remove the file.
        }

        File.Move(SocketPath + "x", SocketPath);
        await using var node = await StartAsync();
        var error = await Assert.ThrowsAsync<StarlingException>(StartAsync);
        Assert.Contains("belongs to a node that runs", error.Message, StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Array, (await AdminClient.CallAsync(SocketPath, "peers", null, Cancelled)).ValueKind);
    }

    [Fact]
    public async Task A_file_that_is_no_socket_is_left_alone()
    {
        await File.WriteAllTextAsync(SocketPath, "precious", Cancelled);
        await Assert.ThrowsAsync<StarlingException>(StartAsync);
        Assert.Equal("precious", await File.ReadAllTextAsync(SocketPath, Cancelled));
    }

    [Theory]
    [InlineData("{\"command\":\"nothing\"}", "there is no command nothing")]
    [InlineData("{\"command\":3}", "an object with a command")]
    [InlineData("[]", "an object with a command")]
    [InlineData("nonsense", "invalid")]
    public async Task A_bad_request_is_answered_and_the_client_may_go_on(string request, string says)
    {
        await using var node = await StartAsync();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), Cancelled);
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        foreach (var part in Encoding.UTF8.GetBytes(request + "\n")) await stream.WriteAsync(new[] { part }, Cancelled);
        Assert.Contains(says, await reader.ReadLineAsync(Cancelled).AsTask().WaitAsync(Patience), StringComparison.OrdinalIgnoreCase);
        await stream.WriteAsync("{\"command\":\"node\"}\n"u8.ToArray(), Cancelled);
        Assert.StartsWith("{\"result\":", await reader.ReadLineAsync(Cancelled).AsTask().WaitAsync(Patience), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_without_end_is_cut_off()
    {
        await using var node = await StartAsync();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), Cancelled);
        await using var stream = new NetworkStream(socket);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            var junk = new byte[4096];
            while (true) await stream.WriteAsync(junk, Cancelled).AsTask().WaitAsync(Patience);
        });
    }

    [Fact]
    public async Task A_stopped_node_leaves_no_socket_and_a_call_to_it_says_so()
    {
        await (await StartAsync()).DisposeAsync();
        Assert.False(File.Exists(SocketPath));
        var error = await Assert.ThrowsAsync<StarlingException>(() => AdminClient.CallAsync(SocketPath, "peers", null, Cancelled).WaitAsync(Patience));
        Assert.Contains(SocketPath, error.Message, StringComparison.Ordinal);
    }

    private Task<JsonElement> BlockAsync(string seconds) => AdminClient.CallAsync(
        SocketPath,
        "block.add",
        json =>
        {
            json.WriteString("subject", "10.0.0.0/8");
            json.WritePropertyName("seconds");
            json.WriteRawValue(seconds);
        },
        Cancelled).WaitAsync(Patience);

    private Task<StarlingNode> StartAsync() => StarlingNode.StartAsync(new StarlingOptions { Admin = SocketPath }, Cancelled);

    private static async Task WaitForLinkAsync(StarlingNode node)
    {
        await foreach (var happened in node.EventsAsync(Cancelled))
        {
            if (happened is NodeEvent.Connected) return;
        }
    }
}
