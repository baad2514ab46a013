using Starling.Net.Requests;
using Starling.Protocols.Requests;

namespace Starling.Net.Tests.Requests;

public sealed class HostileRequestTests
{
    private static RequestFrame Call(ulong id, string name = "echo") => new() { Id = id, Kind = RequestFrameKind.Call, Name = System.Text.Encoding.UTF8.GetBytes(name), Payload = "p"u8 };

    public static TheoryData<string, byte[]> Violations => new()
    {
        { "no length", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] },
        { "no protobuf", [3, 0xff, 0xff, 0xff] },
        { "no kind", [2, 8, 1] },
        { "unknown kind", [4, 8, 1, 16, 99] },
        { "an answer to the server", Bytes(new RequestFrame { Id = 1, Kind = RequestFrameKind.Reply }) },
        { "a cancel of a call that was never made", Bytes(new RequestFrame { Id = 1, Kind = RequestFrameKind.Cancel }) },
        { "a call without name", Bytes(new RequestFrame { Id = 1, Kind = RequestFrameKind.Call }) },
        { "a call numbered 0", Bytes(Call(0)) },
        { "a number used twice", [.. Bytes(Call(1)), .. Bytes(Call(1))] },
        { "falling numbers", [.. Bytes(Call(5)), .. Bytes(Call(4))] },
        { "a name that is no text", Bytes(new RequestFrame { Id = 1, Kind = RequestFrameKind.Call, Name = [0xff, 0xfe] }) },
        { "a name that is too long", Bytes(Call(1, new string('n', 129))) },
    };

    [Theory, MemberData(nameof(Violations))]
    public async Task A_stream_that_breaks_the_protocol_is_reset_and_counted_and_others_serve_on(string what, byte[] bytes)
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.Handle("echo", RequestTests.Echo);
        await using var raw = await RawCaller.OpenAsync(pair);

        await raw.SendAsync(bytes);

        var error = await Assert.ThrowsAsync<StreamResetException>(async () =>
        {
            while (true) await raw.ReadAsync();
        });
        Assert.True(error.ByRemote, what);
        await pair.Server.Counts.WhenAsync("violations", 1);
        Assert.Equal(1, (await pair.CallAsync("echo", new byte[] { 1 })).Span[0]);
    }

    [Fact]
    public async Task A_caller_that_ends_its_direction_gets_the_answers_to_what_it_had_asked()
    {
        await using var pair = await RequestPair.StartAsync();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Server.Requests.Handle("late", async (request, _) =>
        {
            await release.Task;
            return request.Payload;
        });
        await using var raw = await RawCaller.OpenAsync(pair);

        await raw.SendAsync(Call(1, "late"));
        await raw.SendAsync(new RequestFrame { Id = 9, Kind = RequestFrameKind.Call, Payload = "q"u8 });
        await raw.EndAsync();
        release.SetResult();

        var answers = new[] { await raw.ReadAsync(), await raw.ReadAsync() };
        Assert.Equal([(1UL, "p"), (9UL, "q")], answers.OrderBy(answer => answer.Id).Select(answer => (answer.Id, System.Text.Encoding.UTF8.GetString(answer.Payload))));
        await Assert.ThrowsAsync<EndOfStreamException>(raw.ReadAsync);
    }

    [Fact]
    public async Task A_frame_announced_beyond_every_bound_is_passed_over_and_answered()
    {
        await using var pair = await RequestPair.StartAsync(server: options => (options.MaxPayloadBytes, options.MaxPingBytes) = (10_000, 1000));
        pair.Server.Requests.Handle("echo", RequestTests.Echo);
        await using var raw = await RawCaller.OpenAsync(pair);

        await raw.SendAsync(new RequestFrame { Id = 1, Kind = RequestFrameKind.Call, Name = "echo"u8, Payload = new byte[3_000_000] });
        await raw.SendAsync(new RequestFrame { Id = 2, Kind = RequestFrameKind.Call, Payload = "small"u8 });

        var first = await raw.ReadAsync();
        Assert.Equal((1UL, RequestFailure.TooLarge), (first.Id, first.Failure));
        var second = await raw.ReadAsync();
        Assert.Equal((2UL, RequestFrameKind.Reply), (second.Id, second.Kind));
    }

    [Fact]
    public async Task A_caller_that_asks_without_reading_is_held_up_and_grows_no_queue()
    {
        await using var pair = await RequestPair.StartAsync(server: options => options.MaxQueuedBytes = 4096);
        await using var raw = await RawCaller.OpenAsync(pair);
        var calls = new byte[64 << 10];
        var filled = 0;
        var number = 1UL;
        while (filled < calls.Length - 64) filled += RequestCodec.Write(calls.AsSpan(filled), Call(number++, "nobody"));

        // Each answer is larger than its call: what the server may queue and the windows hold is full long before this is through.
        var sending = raw.SendAsync(calls.AsMemory(0, filled));
        await sending;
        var next = number;
        var more = Task.Run(async () =>
        {
            for (var round = 0; round < 40; round++)
            {
                var bytes = new byte[64 << 10];
                var end = 0;
                while (end < bytes.Length - 64) end += RequestCodec.Write(bytes.AsSpan(end), Call(next++, "nobody"));
                await raw.SendAsync(bytes.AsMemory(0, end));
            }
        });

        for (var answered = 1UL; answered < number; answered++) Assert.Equal(answered, (await raw.ReadAsync()).Id);
        await raw.DisposeAsync();
        await Assert.ThrowsAnyAsync<StarlingException>(() => more);
        Assert.Equal(0, pair.Server.Requests.Serving);
    }

    [Fact]
    public async Task A_hostile_server_fails_the_calls_and_hurts_nobody_else()
    {
        await using var pair = await RequestPair.StartAsync();
        await using var hostile = await Links.TestNode.StartAsync();
        var answer = Bytes(new RequestFrame { Id = 77, Kind = RequestFrameKind.Reply });
        hostile.Swarm.Handle(RequestService.ProtocolId, async (stream, cancelled) =>
        {
            await stream.WriteAsync(answer, cancelled);
            await Task.Delay(Timeout.InfiniteTimeSpan, cancelled);
        });
        await pair.Caller.Node.ConnectAsync(hostile);

        var error = await Assert.ThrowsAsync<RequestException>(() => pair.Caller.Requests.RequestAsync(hostile.Id, "any", default).AsTask().WaitAsync(RequestPair.Patience));

        Assert.Equal(RequestFailure.Malformed, error.Failure);
        pair.Server.Requests.Handle("echo", RequestTests.Echo);
        Assert.Equal(1, (await pair.CallAsync("echo", new byte[] { 1 })).Span[0]);
    }

    [Fact]
    public async Task A_peer_that_never_answers_does_not_hold_up_the_callers_stop()
    {
        var caller = await RequestNode.StartAsync();
        await using var mute = await Links.TestNode.StartAsync();
        using var registration = mute.Swarm.Handle(RequestService.ProtocolId, (_, cancelled) => Task.Delay(Timeout.InfiniteTimeSpan, cancelled));
        await caller.Node.ConnectAsync(mute);
        var call = caller.Requests.RequestAsync(mute.Id, "any", default, Timeout.InfiniteTimeSpan).AsTask();

        await caller.Requests.DisposeAsync().AsTask().WaitAsync(RequestPair.Patience);

        var error = await Assert.ThrowsAsync<RequestException>(() => call.WaitAsync(RequestPair.Patience));
        Assert.Equal(RequestFailure.Cancelled, error.Failure);
        await caller.DisposeAsync();
    }

    [Fact]
    public async Task A_peer_that_serves_no_requests_is_no_handler()
    {
        await using var caller = await RequestNode.StartAsync();
        await using var other = await Links.TestNode.StartAsync();
        await caller.Node.ConnectAsync(other);

        var error = await Assert.ThrowsAsync<RequestException>(() => caller.Requests.RequestAsync(other.Id, "any", default).AsTask().WaitAsync(RequestPair.Patience));

        Assert.Equal(RequestFailure.NoHandler, error.Failure);
    }

    private static byte[] Bytes(in RequestFrame frame)
    {
        var bytes = new byte[RequestCodec.SizeOf(frame)];
        RequestCodec.Write(bytes, frame);
        return bytes;
    }
}
