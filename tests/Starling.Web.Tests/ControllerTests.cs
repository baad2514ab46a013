using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Starling.Web.Tests;

public sealed class ControllerTests
{
    private const string Token = "a-token-of-some-length";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Three_nodes_start_together_once_all_of_them_are_registered()
    {
        await using var controller = await StartAsync(nodes: 3);
        using var client = Client(controller);
        await using var first = await StarlingNode.StartAsync(new StarlingOptions { DisplayName = "first" }, Cancelled);
        await using var second = await StarlingNode.StartAsync(cancellationToken: Cancelled);
        await using var third = await StarlingNode.StartAsync(cancellationToken: Cancelled);

        var early = new[] { first.WaitForControllerAsync(client, Cancelled), second.WaitForControllerAsync(client, Cancelled) };
        await client.ReportAsync(await RegisteredAsync(controller, client, first.PeerId), new ControllerStatus("loading", 2, "half way"), Cancelled);
        Assert.All(early, wait => Assert.False(wait.IsCompleted));
        var states = await Task.WhenAll([.. early, third.WaitForControllerAsync(client, Cancelled)]).WaitAsync(Patience);

        Assert.All(states, state => Assert.True(state.Started));
        var listed = (await client.ListAsync(Cancelled)).Nodes;
        Assert.Equal([.. new[] { first, second, third }.Select(node => node.PeerId.ToString()).Order()], listed.Select(node => node.Peer).Order());
        var shown = listed.Single(node => node.Peer == first.PeerId.ToString());
        Assert.Equal(("first", "loading", 2L, "half way"), (shown.Name, shown.Status!.State, shown.Status.Round!.Value, shown.Status.Detail));
        Assert.Equal(first.Addresses[0].ToString(), shown.Addresses.Single());
    }

    [Fact]
    public async Task A_node_that_comes_after_the_start_may_go_at_once()
    {
        await using var controller = await StartAsync(nodes: 1);
        using var client = Client(controller);
        foreach (var peer in Peers(2)) Assert.True((await client.WaitForStartAsync(peer, Nowhere, Cancelled).WaitAsync(Patience)).Started);
    }

    [Fact]
    public async Task A_wrong_or_missing_token_is_refused_and_says_nothing()
    {
        await using var controller = await StartAsync(nodes: 1);
        using var wrong = Client(controller, "another-token-than-that");
        var error = await Assert.ThrowsAsync<ControllerException>(() => wrong.RegisterAsync(Peers(1)[0], Nowhere, Cancelled).WaitAsync(Patience));
        Assert.Equal(HttpStatusCode.Unauthorized, error.StatusCode);
        Assert.Contains("token", error.Message, StringComparison.Ordinal);

        using var bare = new HttpClient { BaseAddress = controller.Address };
        foreach (var path in new[] { "nodes", "start?peer=x", "anything" })
            Assert.Equal(HttpStatusCode.Unauthorized, (await bare.GetAsync(path, Cancelled)).StatusCode);
        Assert.Empty(controller.State.Nodes);
    }

    [Fact]
    public async Task A_controller_that_is_not_there_yet_is_tried_until_it_is()
    {
        var clock = new ManualClock();
        await using var controller = await StartAsync(nodes: 1);
        var flaky = new FlakyHandler(failures: 3);
        var options = Options(controller);
        options.CallTimeout = TimeSpan.FromDays(1);
        using var client = new ControllerClient(options, flaky, clock);
        var registering = client.RegisterAsync(Peers(1)[0], Nowhere, Cancelled);
        for (var failure = 1; failure <= 3; failure++)
        {
            await flaky.FailedAsync(failure);
            while (flaky.Calls == failure)
            {
                // The pause begins a moment after the failure; from then on one step ends it.
                clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }
        }

        Assert.Equal(1, (await registering.WaitAsync(Patience)).Registered);
    }

    [Fact]
    public async Task A_controller_that_was_restarted_is_registered_with_again()
    {
        var peers = Peers(2);
        var first = await StartAsync(nodes: 2, longPoll: TimeSpan.FromMilliseconds(50));
        using var client = Client(first);
        var waiting = client.WaitForStartAsync(peers[0], Nowhere, Cancelled);
        await RegisteredAsync(first, client, peers[0]);
        var port = first.Address.Port;
        await first.DisposeAsync();

        await using var second = await StartAsync(nodes: 2, port);
        using var other = Client(second);
        Assert.True((await other.WaitForStartAsync(peers[1], Nowhere, Cancelled).WaitAsync(Patience)).Started);
        Assert.True((await waiting.WaitAsync(Patience)).Started);
    }

    [Fact]
    public void A_node_that_falls_silent_before_the_start_does_not_count()
    {
        var clock = new ManualClock();
        var options = new ControllerOptions { Nodes = 2, Token = Token };
        var barrier = new StartBarrier(options, clock);
        var peers = Peers(3);
        Assert.True(barrier.TryRegister(peers[0], Nowhere));
        clock.Advance(options.RegistrationTime + TimeSpan.FromSeconds(1));
        Assert.True(barrier.TryRegister(peers[1], Nowhere));
        Assert.False(barrier.Started.IsCompleted);
        Assert.False(barrier.TryTouch(peers[0]));

        Assert.True(barrier.TryRegister(peers[2], Nowhere));
        Assert.True(barrier.Started.IsCompleted);
        clock.Advance(options.RegistrationTime * 3);
        Assert.True(barrier.TryTouch(peers[1]), "Once started, the silent stay listed.");
    }

    [Fact]
    public void A_controller_that_is_full_refuses_one_more_node_and_keeps_renewing_the_others()
    {
        var barrier = new StartBarrier(new ControllerOptions { Nodes = 2, MaxRegistrations = 2, Token = Token }, new ManualClock());
        var peers = Peers(3);
        Assert.True(barrier.TryRegister(peers[0], Nowhere));
        Assert.True(barrier.TryRegister(peers[1], Nowhere));
        Assert.False(barrier.TryRegister(peers[2], Nowhere));
        Assert.True(barrier.TryRegister(peers[0], Nowhere));
        barrier.Remove(peers[0]);
        Assert.True(barrier.TryRegister(peers[2], Nowhere));
    }

    public static TheoryData<string, string, string, int, string> BadCalls => new()
    {
        { "PUT", "nodes/nobody", "{\"addresses\":[]}", 400, "no peer" },
        { "PUT", "nodes/PEER", "{", 400, "JSON" },
        { "PUT", "nodes/PEER", "null", 400, "null" },
        { "PUT", "nodes/PEER", "{}", 400, "addresses" },
        { "PUT", "nodes/PEER", "{\"addresses\":[\"nonsense\"]}", 400, "address" },
        { "PUT", "nodes/PEER", "{\"addresses\":[null]}", 400, "address" },
        { "PUT", "nodes/PEER", "{\"addresses\":[],\"name\":\"LONG\"}", 400, "64" },
        { "PUT", "nodes/PEER", "GIANT", 413, "" },
        { "PUT", "nodes/PEER/status", "{\"state\":\"\"}", 400, "state" },
        { "PUT", "nodes/PEER/status", "{\"state\":\"fine\"}", 404, "register" },
        { "GET", "start?peer=PEER", "", 404, "register" },
        { "GET", "start", "", 400, "peer" },
        { "GET", "elsewhere", "", 404, "no such call" },
    };

    [Theory, MemberData(nameof(BadCalls))]
    public async Task A_bad_call_is_answered_with_what_is_wrong(string method, string path, string body, int status, string says)
    {
        await using var controller = await StartAsync(nodes: 1);
        using var client = new HttpClient { BaseAddress = controller.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        var text = body.Replace("LONG", new string('n', 65), StringComparison.Ordinal).Replace("GIANT", new string(' ', 70_000), StringComparison.Ordinal);
        using var request = new HttpRequestMessage(new HttpMethod(method), path.Replace("PEER", Peers(1)[0].ToString(), StringComparison.Ordinal))
        {
            Content = body.Length == 0 ? null : new StringContent(text, Encoding.UTF8, "application/json"),
        };
        using var response = await client.SendAsync(request, Cancelled).WaitAsync(Patience);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(says, await response.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        Assert.Empty(controller.State.Nodes);
    }

    [Fact]
    public async Task Over_https_the_token_is_encrypted()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=controller", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using var controller = await Controller.StartAsync(
            new ControllerOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0), Token = Token, Certificate = certificate }, cancellationToken: Cancelled);
        var pinned = new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.GetCertHashString() == certificate.GetCertHashString() },
        };
        using var client = new ControllerClient(Options(controller), pinned);

        Assert.Equal("https", controller.Address.Scheme);
        Assert.True((await client.RegisterAsync(Peers(1)[0], Nowhere, Cancelled).WaitAsync(Patience)).Started);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        await using var controller = await StartAsync(nodes: 1);
        var error = await Assert.ThrowsAsync<StarlingException>(() => StartAsync(nodes: 1, controller.Address.Port));
        Assert.Contains($"127.0.0.1:{controller.Address.Port}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_options_are_named_and_the_token_is_not_shown()
    {
        var error = Assert.Throws<ArgumentException>(() => OptionProblems.ThrowIfAny(new ControllerOptions { Nodes = 0, Token = "secret", LongPoll = TimeSpan.FromHours(1) }));
        Assert.Contains("Nodes", error.Message, StringComparison.Ordinal);
        Assert.Contains("Token", error.Message, StringComparison.Ordinal);
        Assert.Contains("LongPoll", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    private static ControllerRegistration Nowhere { get; } = new(null, []);

    private static PeerId[] Peers(int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        using var identity = NodeIdentity.Generate();
        return identity.PeerId;
    })];

    private static Task<Controller> StartAsync(int nodes, int port = 0, TimeSpan? longPoll = null) => Controller.StartAsync(
        new ControllerOptions { Listen = new IPEndPoint(IPAddress.Loopback, port), Nodes = nodes, Token = Token, LongPoll = longPoll ?? TimeSpan.FromSeconds(20) },
        cancellationToken: Cancelled);

    private static ControllerClientOptions Options(Controller controller, string token = Token) => new() { Address = controller.Address, Token = token, FirstPause = TimeSpan.FromMilliseconds(10) };

    private static ControllerClient Client(Controller controller, string token = Token) => new(Options(controller, token));

    /// <summary>Registers a peer, which its own wait may do as well, so that it certainly is.</summary>
    private static async Task<PeerId> RegisteredAsync(Controller controller, ControllerClient client, PeerId peer)
    {
        while (controller.State.Nodes.All(node => node.Peer != peer.ToString())) await client.ListAsync(Cancelled);
        return peer;
    }

    private sealed class FlakyHandler(int failures) : DelegatingHandler(new SocketsHttpHandler())
    {
        private readonly SemaphoreSlim _failed = new(0);
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public async Task FailedAsync(int failure) => Assert.True(await _failed.WaitAsync(Patience, Cancelled), $"failure {failure} did not come");

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (Interlocked.Increment(ref _calls) > failures) return await base.SendAsync(request, cancellationToken);
            _failed.Release();
            return _calls % 2 == 0
                ? new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Content = new StringContent("overloaded") }
                : throw new HttpRequestException("nobody listens");
        }
    }
}
