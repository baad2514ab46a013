using System.Text;
using Starling.Net.Requests;
using Starling.Protocols.Requests;

namespace Starling.Net.Tests.Requests;

public sealed class RequestTests
{
    internal static readonly RequestHandler Echo = static (request, _) => ValueTask.FromResult(request.Payload);

    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_is_answered_by_the_handler_of_its_name_which_sees_who_asks()
    {
        // The caller tells what is left of its time: all of it on a clock that stands still.
        await using var pair = await RequestPair.StartAsync(clock: new ManualClock());
        pair.Server.Requests.Handle("greet", (request, _) =>
        {
            Assert.Equal(pair.Caller.Id, request.Peer);
            Assert.Equal("greet", request.Name);
            Assert.Equal(TimeSpan.FromSeconds(7), request.Timeout);
            return ValueTask.FromResult<ReadOnlyMemory<byte>>(Encoding.UTF8.GetBytes($"hello {Encoding.UTF8.GetString(request.Payload.Span)}"));
        });

        var reply = await pair.CallAsync("greet", "you"u8.ToArray(), TimeSpan.FromSeconds(7));

        Assert.Equal("hello you", Encoding.UTF8.GetString(reply.Span));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(4_000), InlineData(70_000), InlineData(1_000_000), InlineData(4 << 20)]
    public async Task A_payload_of_any_size_that_is_allowed_comes_back_whole_and_frees_what_it_took(int size)
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.Handle("echo", Echo);
        var payload = new byte[size];
        new Random(size).NextBytes(payload);

        for (var time = 0; time < 3; time++) Assert.True((await pair.CallAsync("echo", payload)).Span.SequenceEqual(payload));

        await using (pair) { }
        Assert.Equal(0, pair.Server.Budget.Used(ResourceKind.QueueBytes));
        Assert.Equal(0, pair.Caller.Budget.Used(ResourceKind.QueueBytes));
    }

    [Fact]
    public async Task Ten_thousand_calls_at_once_share_one_stream_and_each_gets_its_own_answer()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.Handle("echo", Echo);
        var most = 0;

        var calls = Enumerable.Range(0, 10_000).Select(async number =>
        {
            var reply = await pair.Caller.Requests.RequestAsync(pair.Server.Id, "echo", BitConverter.GetBytes(number), cancellationToken: TestEnd);
            Assert.Equal(number, BitConverter.ToInt32(reply.Span));
            most = Math.Max(most, pair.Streams);
        });
        await Task.WhenAll(calls).WaitAsync(RequestPair.Patience, TestEnd);

        Assert.InRange(most, 1, 4);
        Assert.Equal(10_000, pair.Caller.Counts["client.duration Answered"]);
        await pair.Server.Counts.WhenAsync("server.duration Answered", 10_000);
        Assert.Equal(0, pair.Server.Requests.Serving);
    }

    [Fact]
    public async Task Answers_come_in_the_order_in_which_handlers_end()
    {
        await using var pair = await RequestPair.StartAsync();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Server.Requests.Handle("pass", async (request, _) =>
        {
            if (request.Payload.Span[0] == 1) await release.Task;
            else release.SetResult();
            return request.Payload.ToArray();
        });

        var slow = pair.CallAsync("pass", new byte[] { 1 });
        Assert.Equal(2, (await pair.CallAsync("pass", new byte[] { 2 })).Span[0]);

        Assert.Equal(1, (await slow).Span[0]);
    }

    [Fact]
    public async Task A_handler_that_blocks_its_thread_holds_up_no_other_call()
    {
        await using var pair = await RequestPair.StartAsync();
        using var release = new ManualResetEventSlim();
        using var blocked = new ManualResetEventSlim();
        pair.Server.Requests.Handle("block", (_, _) =>
        {
            blocked.Set();
            Assert.True(release.Wait(RequestPair.Patience, TestEnd));
            return default;
        });
        pair.Server.Requests.Handle("echo", Echo);

        var held = pair.CallAsync("block");
        Assert.True(blocked.Wait(RequestPair.Patience, TestEnd));
        Assert.Equal(9, (await pair.CallAsync("echo", new byte[] { 9 })).Span[0]);

        release.Set();
        await held;
    }

    [Fact]
    public async Task Handlers_have_streams_of_their_own_and_further_ones_share()
    {
        await using var pair = await RequestPair.StartAsync(options => options.MaxStreamsPerPeer = 8);
        for (var number = 0; number < 20; number++)
        {
            var mine = (byte)number;
            pair.Server.Requests.Handle($"number {number}", (_, _) => ValueTask.FromResult<ReadOnlyMemory<byte>>(new[] { mine }));
        }

        for (var round = 0; round < 3; round++)
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => pair.CallAsync($"number {number}")));
            Assert.Equal(Enumerable.Range(0, 20).Select(number => (byte)number), replies.Select(reply => reply.Span[0]));
        }

        Assert.InRange(pair.Streams, 1, 8);
    }

    [Fact]
    public async Task A_link_lost_and_made_again_serves_on()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.Handle("echo", Echo);
        await pair.CallAsync("echo", new byte[] { 1 });
        await pair.Caller.Node.Swarm.DisconnectAsync(pair.Server.Id, null, TestEnd);

        var unlinked = await Assert.ThrowsAsync<RequestException>(() => pair.CallAsync("echo"));
        Assert.Equal(RequestFailure.NotLinked, unlinked.Failure);

        await pair.Caller.Node.ConnectAsync(pair.Server.Node);
        Assert.Equal(2, (await pair.CallAsync("echo", new byte[] { 2 })).Span[0]);
    }

    [Fact]
    public async Task Both_sides_of_a_link_call_each_other()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Caller.Requests.Handle("add", (request, _) => ValueTask.FromResult<ReadOnlyMemory<byte>>(new[] { (byte)(request.Payload.Span[0] + 1) }));
        pair.Server.Requests.Handle("relay", async (request, cancelled) =>
            await pair.Server.Requests.RequestAsync(request.Peer, "add", request.Payload, cancellationToken: cancelled));

        Assert.Equal(8, (await pair.CallAsync("relay", new byte[] { 7 })).Span[0]);
    }

    [Fact]
    public async Task A_stream_without_calls_is_closed_after_a_while_and_opened_again_when_needed()
    {
        var clock = new ManualClock();
        await using var pair = await RequestPair.StartAsync(clock: clock);
        pair.Server.Requests.Handle("echo", Echo);
        await pair.CallAsync("echo", new byte[] { 1 });
        await pair.Server.Counts.WhenAsync("streams in", 1);

        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(1, (await pair.CallAsync("echo", new byte[] { 1 })).Span[0]);
        Assert.Equal(1, pair.Server.Counts["streams in"]);
        clock.Advance(TimeSpan.FromSeconds(61));
        await pair.Server.Counts.WhenAsync("streams in", 0);

        Assert.Equal(2, (await pair.CallAsync("echo", new byte[] { 2 })).Span[0]);
        await pair.Server.Counts.WhenAsync("streams in", 1);
    }

    [Fact]
    public async Task A_name_is_checked_where_it_is_registered()
    {
        await using var service = await RequestNode.StartAsync(options => options.MaxHandlers = 8);
        service.Requests.Handle("taken", Echo);

        Assert.Throws<InvalidOperationException>(() => service.Requests.Handle("taken", Echo));
        Assert.Throws<ArgumentException>(() => service.Requests.Handle("", Echo));
        Assert.Throws<ArgumentException>(() => service.Requests.Handle(new string('n', 129), Echo));
        Assert.Throws<ArgumentException>(() => service.Requests.Handle("line\nfeed", Echo));
        Assert.Throws<ArgumentException>(() => service.Requests.Handle("starling.mine", Echo));
        for (var number = 3; number < 8; number++) service.Requests.Handle($"{number}", Echo);
        Assert.Throws<InvalidOperationException>(() => service.Requests.Handle("one more", Echo));
    }
}
