using Starling.Net.Requests;
using Starling.Protocols.Requests;

namespace Starling.Net.Tests.Requests;

public sealed class RequestFailureTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(60);

    [Fact]
    public async Task A_timeout_may_be_longer_than_a_timer_counts()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.Handle("echo", static (request, _) => ValueTask.FromResult(request.Payload));
        pair.Server.Requests.HandleStream("once", static (request, _) => Once(request.Payload));

        Assert.Equal(7, (await pair.CallAsync("echo", new byte[] { 7 }, TimeSpan.FromDays(400))).Span[0]);
        await foreach (var item in pair.StreamAsync("once", new byte[] { 8 }, TimeSpan.FromDays(400))) Assert.Equal(8, item.Span[0]);

        static async IAsyncEnumerable<ReadOnlyMemory<byte>> Once(ReadOnlyMemory<byte> item)
        {
            await Task.CompletedTask;
            yield return item;
        }
    }

    [Fact]
    public async Task A_name_without_handler_is_an_error_that_names_it()
    {
        await using var pair = await RequestPair.StartAsync();

        var error = await FailAsync(RequestFailure.NoHandler, pair.CallAsync("nobody"));

        Assert.Contains("nobody", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, pair.Server.Counts["refused NoHandler"]);
    }

    [Fact]
    public async Task A_handler_that_was_removed_is_not_called_any_more_and_what_it_served_is_cancelled()
    {
        await using var pair = await RequestPair.StartAsync();
        var handler = new WaitingHandler();
        var registration = pair.Server.Requests.Handle("wait", handler.ServeAsync);
        var call = pair.CallAsync("wait");
        await handler.Began;

        registration.Dispose();

        await handler.Cancelled;
        await FailAsync(RequestFailure.Cancelled, call);
        await FailAsync(RequestFailure.NoHandler, pair.CallAsync("wait"));
    }

    [Fact]
    public async Task A_handler_that_throws_says_nothing_of_its_inside_unless_it_chose_to()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.Handle("breaks", static (_, _) => throw new InvalidOperationException("secret at line 7"));
        pair.Server.Requests.Handle("says", static (_, _) => throw new RequestException("The shelf is empty."));
        pair.Server.Requests.Handle("refuses", static async (_, _) =>
        {
            await Task.Yield();
            throw new RequestException(RequestFailure.Refused, "Not you.");
        });
        pair.Server.Requests.Handle("lies", static (_, _) => throw new RequestException(RequestFailure.LinkLost, "gone"));

        Assert.DoesNotContain("secret", (await FailAsync(RequestFailure.HandlerFailed, pair.CallAsync("breaks"))).ToString(), StringComparison.Ordinal);
        Assert.Equal("The shelf is empty.", (await FailAsync(RequestFailure.HandlerFailed, pair.CallAsync("says"))).Message);
        Assert.Equal("Not you.", (await FailAsync(RequestFailure.Refused, pair.CallAsync("refuses"))).Message);
        await FailAsync(RequestFailure.HandlerFailed, pair.CallAsync("lies"));
    }

    [Fact]
    public async Task A_long_or_odd_message_of_a_handler_arrives_cut_and_clean()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.Handle("long", static (_, _) => throw new RequestException("\u001b[31m" + new string('é', 5000)));

        var error = await FailAsync(RequestFailure.HandlerFailed, pair.CallAsync("long"));

        Assert.StartsWith("[31mé", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("é", error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Message.Length, 400, 600);
    }

    [Fact]
    public async Task A_deadline_ends_the_call_here_and_its_handler_there_and_the_stream_serves_on()
    {
        await using var pair = await RequestPair.StartAsync();
        var handler = pair.HandleWaiting("wait");
        pair.Server.Requests.Handle("echo", RequestTests.Echo);

        await FailAsync(RequestFailure.Timeout, pair.CallAsync("wait", timeout: Soon));

        await handler.Cancelled;
        Assert.Equal(1, pair.Caller.Counts["client.duration Timeout"]);
        var again = new WaitingHandler();
        await FailAsync(RequestFailure.Timeout, pair.CallAsync("wait", timeout: Soon));
        Assert.Equal(3, (await pair.CallAsync("echo", new byte[] { 3 })).Span[0]);
        Assert.InRange(pair.Streams, 1, 4);
    }

    [Fact]
    public async Task A_handler_hears_of_the_deadline_although_the_caller_says_nothing_more()
    {
        await using var pair = await RequestPair.StartAsync();
        var handler = pair.HandleWaiting("wait");
        await using var raw = await RawCaller.OpenAsync(pair);

        await raw.SendAsync(new RequestFrame { Id = 1, Kind = RequestFrameKind.Call, Name = "wait"u8, TimeoutMilliseconds = 50 });

        await handler.Cancelled;
        Assert.Equal(RequestFailure.Timeout, (await raw.ReadAsync()).Failure);
    }

    [Fact]
    public async Task A_call_cancelled_before_it_is_made_reaches_nobody()
    {
        await using var pair = await RequestPair.StartAsync();
        var called = false;
        pair.Server.Requests.Handle("note", (_, _) =>
        {
            called = true;
            return default;
        });
        pair.Server.Requests.Handle("echo", RequestTests.Echo);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pair.CallAsync("note", cancellationToken: new CancellationToken(canceled: true)));

        await pair.CallAsync("echo");
        Assert.False(called);
    }

    [Fact]
    public async Task A_call_cancelled_while_it_is_served_fires_the_handlers_token_and_keeps_the_stream()
    {
        await using var pair = await RequestPair.StartAsync();
        var handler = pair.HandleWaiting("wait");
        using var cancel = new CancellationTokenSource();
        var call = pair.CallAsync("wait", cancellationToken: cancel.Token);
        await handler.Began;

        await cancel.CancelAsync();

        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(cancel.Token, error.CancellationToken);
        await handler.Cancelled;
        await FailAsync(RequestFailure.Timeout, pair.CallAsync("wait", timeout: Soon));
        Assert.Equal(1, pair.Server.Counts["streams in"]);
    }

    [Fact]
    public async Task A_call_cancelled_after_its_answer_changes_nothing()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.Handle("echo", RequestTests.Echo);
        using var cancel = new CancellationTokenSource();

        Assert.Equal(1, (await pair.CallAsync("echo", new byte[] { 1 }, cancellationToken: cancel.Token)).Span[0]);
        await cancel.CancelAsync();

        Assert.Equal(2, (await pair.CallAsync("echo", new byte[] { 2 })).Span[0]);
    }

    [Fact]
    public async Task Calls_cancelled_at_any_moment_end_once_and_leave_nothing_behind()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.Handle("echo", async (request, cancelled) =>
        {
            if ((request.Payload.Span[0] & 1) == 0) await Task.Yield();
            return request.Payload;
        });
        var seed = RandomSource.System.NextUInt64();
        var random = RandomSource.Seeded(seed);
        var waits = Enumerable.Range(0, 3000).Select(_ => random.Next(40)).ToArray();

        var outcomes = await Task.WhenAll(waits.Select(async (wait, number) =>
        {
            using var cancel = new CancellationTokenSource();
            var call = pair.Caller.Requests.RequestAsync(pair.Server.Id, "echo", new[] { (byte)number }, cancellationToken: cancel.Token).AsTask();
            for (var turn = 0; turn < wait; turn++) await Task.Yield();
            await cancel.CancelAsync();
            try
            {
                return (await call.WaitAsync(RequestPair.Patience)).Span[0] == (byte)number;
            }
            catch (OperationCanceledException)
            {
                return true;
            }
        }));

        Assert.All(outcomes, outcome => Assert.True(outcome, $"seed {seed}"));
        Assert.Equal(7, (await pair.CallAsync("echo", new byte[] { 7 })).Span[0]);
    }

    [Fact]
    public async Task What_is_too_large_is_refused_by_whoever_finds_out_and_the_stream_serves_on()
    {
        await using var pair = await RequestPair.StartAsync(options => options.MaxPayloadBytes = 100_000, options => (options.MaxPayloadBytes, options.MaxPingBytes) = (50_000, 50_000));
        pair.Server.Requests.Handle("echo", RequestTests.Echo);
        pair.Server.Requests.Handle("grow", static (request, _) => ValueTask.FromResult<ReadOnlyMemory<byte>>(new byte[BitConverter.ToInt32(request.Payload.Span)]));

        await FailAsync(RequestFailure.TooLarge, pair.CallAsync("echo", new byte[100_001]));
        await FailAsync(RequestFailure.TooLarge, pair.CallAsync("echo", new byte[100_000]));
        await FailAsync(RequestFailure.TooLarge, pair.CallAsync("echo", new byte[50_001]));
        await FailAsync(RequestFailure.TooLarge, pair.CallAsync("grow", BitConverter.GetBytes(50_001)));

        Assert.Equal(50_000, (await pair.CallAsync("echo", new byte[50_000])).Length);
        Assert.Equal(2, pair.Server.Counts["refused TooLarge"]);
    }

    [Fact]
    public async Task A_reply_larger_than_the_caller_accepts_is_passed_over()
    {
        await using var pair = await RequestPair.StartAsync(options => (options.MaxPayloadBytes, options.MaxPingBytes) = (10_000, 1000));
        pair.Server.Requests.Handle("grow", static (request, _) => ValueTask.FromResult<ReadOnlyMemory<byte>>(new byte[BitConverter.ToInt32(request.Payload.Span)]));

        await FailAsync(RequestFailure.TooLarge, pair.CallAsync("grow", BitConverter.GetBytes(300_000)));
        await FailAsync(RequestFailure.TooLarge, pair.CallAsync("grow", BitConverter.GetBytes(10_001)));

        Assert.Equal(10_000, (await pair.CallAsync("grow", BitConverter.GetBytes(10_000))).Length);
    }

    [Fact]
    public async Task A_node_without_memory_left_answers_busy_and_serves_small_requests_on()
    {
        await using var pair = await RequestPair.StartAsync(serverBudget: new ResourceBudget(new ResourceBudgetOptions { MaxQueueBytes = 200_000 }));
        pair.Server.Requests.Handle("count", static (request, _) => ValueTask.FromResult<ReadOnlyMemory<byte>>(BitConverter.GetBytes(request.Payload.Length)));

        await FailAsync(RequestFailure.Busy, pair.CallAsync("count", new byte[1_000_000]));

        Assert.Equal(60_000, BitConverter.ToInt32((await pair.CallAsync("count", new byte[60_000])).Span));
        Assert.Equal(1, pair.Server.Counts["refused Busy"]);
    }

    [Fact]
    public async Task More_calls_than_a_node_serves_at_once_are_answered_busy()
    {
        await using var pair = await RequestPair.StartAsync(server: options => options.MaxServedPerPeer = 4);
        var handlers = Enumerable.Range(0, 3).Select(number => pair.HandleWaiting($"wait {number}")).ToList();
        using var cancel = new CancellationTokenSource();
        List<Task> held = [];
        for (var number = 0; number < 4; number++) held.Add(pair.CallAsync($"wait {number % 3}", cancellationToken: cancel.Token));
        await Task.WhenAll(handlers.Select(handler => handler.Began));

        await FailAsync(RequestFailure.Busy, CallUntilBusyAsync());

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(held));

        // The fourth call may still be on its way; then one of these takes its place and waits until its time is over.
        async Task<ReadOnlyMemory<byte>> CallUntilBusyAsync()
        {
            try
            {
                await pair.CallAsync("wait 0", timeout: Soon);
            }
            catch (RequestException error) when (error.Failure == RequestFailure.Timeout)
            {
                return await pair.CallAsync("wait 0", timeout: Soon);
            }

            return default;
        }
    }

    [Fact]
    public async Task Calls_beyond_what_may_be_under_way_wait_their_turn_and_beyond_that_are_busy()
    {
        await using var pair = await RequestPair.StartAsync(options => (options.MaxCallsPerPeer, options.MaxWaitingCalls) = (1, 1));
        var handler = pair.HandleWaiting("wait");
        pair.Server.Requests.Handle("echo", RequestTests.Echo);
        using var cancel = new CancellationTokenSource();
        var first = pair.CallAsync("wait", cancellationToken: cancel.Token);
        await handler.Began;

        var second = pair.CallAsync("echo", new byte[] { 2 });
        await FailAsync(RequestFailure.Busy, pair.CallAsync("echo"));
        await cancel.CancelAsync();

        Assert.Equal(2, (await second).Span[0]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
    }

    [Fact]
    public async Task A_call_that_waits_for_its_turn_keeps_its_deadline()
    {
        await using var pair = await RequestPair.StartAsync(options => options.MaxCallsPerPeer = 1);
        var handler = pair.HandleWaiting("wait");
        using var cancel = new CancellationTokenSource();
        var first = pair.CallAsync("wait", cancellationToken: cancel.Token);
        await handler.Began;

        await FailAsync(RequestFailure.Timeout, pair.CallAsync("wait", timeout: Soon));

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
    }

    [Fact]
    public async Task A_peer_that_dies_fails_every_call_at_once_and_a_caller_that_dies_fires_the_handlers_token()
    {
        await using var pair = await RequestPair.StartAsync();
        var handler = pair.HandleWaiting("wait");
        var calls = Enumerable.Range(0, 100).Select(_ => pair.CallAsync("wait", timeout: Timeout.InfiniteTimeSpan)).ToList();
        await handler.Began;

        pair.Server.Node.Transport.Kill();

        foreach (var call in calls) await FailAsync(RequestFailure.LinkLost, call);
        await handler.Cancelled;
    }

    [Fact]
    public async Task A_node_that_stops_lets_calls_end_then_cancels_them_and_says_so()
    {
        await using var pair = await RequestPair.StartAsync(server: options => options.DrainTimeout = TimeSpan.FromMilliseconds(100));
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Server.Requests.Handle("finish", async (_, _) =>
        {
            begun.SetResult();
            await release.Task;
            return new byte[] { 5 };
        });
        var handler = pair.HandleWaiting("wait");
        var finishing = pair.CallAsync("finish");
        var waiting = pair.CallAsync("wait");
        await Task.WhenAll(begun.Task, handler.Began).WaitAsync(RequestPair.Patience);

        var stopping = pair.Server.Requests.DisposeAsync().AsTask();
        release.SetResult();

        Assert.Equal(5, (await finishing).Span[0]);
        await FailAsync(RequestFailure.Cancelled, waiting);
        await handler.Cancelled;
        await stopping.WaitAsync(RequestPair.Patience);
    }

    [Fact]
    public async Task A_node_that_stops_fails_its_own_calls()
    {
        await using var pair = await RequestPair.StartAsync();
        var handler = pair.HandleWaiting("wait");
        var call = pair.CallAsync("wait");
        await handler.Began;

        await pair.Caller.Requests.DisposeAsync().AsTask().WaitAsync(RequestPair.Patience);

        await FailAsync(RequestFailure.Cancelled, call);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.CallAsync("wait"));
    }

    private static async Task<RequestException> FailAsync(RequestFailure failure, Task<ReadOnlyMemory<byte>> call)
    {
        var error = await Assert.ThrowsAsync<RequestException>(() => call);
        Assert.Equal(failure, error.Failure);
        return error;
    }
}
