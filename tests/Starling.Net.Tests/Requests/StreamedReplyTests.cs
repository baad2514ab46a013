using System.Runtime.CompilerServices;
using Starling.Net.Requests;
using Starling.Protocols.Requests;

namespace Starling.Net.Tests.Requests;

public sealed class StreamedReplyTests
{
    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Items_come_in_order_and_complete_and_the_stream_is_used_again()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.HandleStream("count", (request, _) => Count(BitConverter.ToInt32(request.Payload.Span)));

        for (var round = 0; round < 20; round++) Assert.Equal(Enumerable.Range(0, 500), await ReadAsync(pair.StreamAsync("count", BitConverter.GetBytes(500))));
        Assert.Empty(await ReadAsync(pair.StreamAsync("count", BitConverter.GetBytes(0))));

        await pair.Server.Counts.WhenAsync("streams in", 1);
    }

    [Fact]
    public async Task Two_hundred_streamed_replies_at_once_all_arrive_whole()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.HandleStream("count", (request, _) => Count(BitConverter.ToInt32(request.Payload.Span)));

        var all = await Task.WhenAll(Enumerable.Range(0, 200).Select(count => ReadAsync(pair.StreamAsync("count", BitConverter.GetBytes(count)))));

        Assert.All(all.Index(), one => Assert.Equal(Enumerable.Range(0, one.Index), one.Item));
    }

    [Fact]
    public async Task A_slow_reader_holds_its_handler_up_and_nobody_else()
    {
        await using var pair = await RequestPair.StartAsync();
        var produced = 0;
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Server.Requests.Handle("echo", RequestTests.Echo);
        pair.Server.Requests.HandleStream("flood", (_, cancelled) => FloodAsync(cancelled));
        await using var items = pair.StreamAsync("flood").GetAsyncEnumerator(TestEnd);
        Assert.True(await items.MoveNextAsync().AsTask().WaitAsync(RequestPair.Patience, TestEnd));

        // The queue there and the window here are full when the handler is asked for no more.
        await full.Task.WaitAsync(RequestPair.Patience, TestEnd);
        for (var number = 0; number < 100; number++) await pair.CallAsync("echo", new byte[10_000]);
        var held = Volatile.Read(ref produced);
        Assert.InRange(held, 40, 200);

        for (var number = 0; number < 100; number++) Assert.True(await items.MoveNextAsync().AsTask().WaitAsync(RequestPair.Patience, TestEnd));
        Assert.True(Volatile.Read(ref produced) >= 101);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> FloodAsync([EnumeratorCancellation] CancellationToken cancelled)
        {
            var item = new byte[10_000];
            while (true)
            {
                cancelled.ThrowIfCancellationRequested();
                if (Interlocked.Increment(ref produced) == 40) full.TrySetResult();
                yield return item;
            }
        }
    }

    [Fact]
    public async Task Leaving_the_loop_early_ends_the_handler()
    {
        await using var pair = await RequestPair.StartAsync();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Server.Requests.HandleStream("forever", (_, cancelled) => ForeverAsync(ended, cancelled));

        await foreach (var _ in pair.StreamAsync("forever")) break;

        await ended.Task.WaitAsync(RequestPair.Patience, TestEnd);
        Assert.Equal(1, pair.Caller.Counts["client.duration Cancelled"]);
    }

    [Fact]
    public async Task Cancelling_between_two_items_ends_the_sequence_and_the_handler()
    {
        await using var pair = await RequestPair.StartAsync();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Server.Requests.HandleStream("forever", (_, cancelled) => ForeverAsync(ended, cancelled));
        using var cancel = new CancellationTokenSource();
        await using var items = pair.StreamAsync("forever", cancellationToken: cancel.Token).GetAsyncEnumerator(TestEnd);
        await items.MoveNextAsync();
        await items.MoveNextAsync();
        var next = items.MoveNextAsync().AsTask();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WaitAsync(RequestPair.Patience, TestEnd));
        await ended.Task.WaitAsync(RequestPair.Patience, TestEnd);
    }

    [Fact]
    public async Task A_deadline_ends_a_streamed_reply_on_both_sides()
    {
        await using var pair = await RequestPair.StartAsync();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Server.Requests.HandleStream("forever", (_, cancelled) => ForeverAsync(ended, cancelled));

        var error = await Assert.ThrowsAsync<RequestException>(() => ReadAsync(pair.StreamAsync("forever", timeout: TimeSpan.FromMilliseconds(100))));

        Assert.Equal(RequestFailure.Timeout, error.Failure);
        await ended.Task.WaitAsync(RequestPair.Patience, TestEnd);
    }

    [Fact]
    public async Task Errors_before_and_between_items_reach_the_reader_and_the_next_call_is_served()
    {
        await using var pair = await RequestPair.StartAsync(server: options => (options.MaxPayloadBytes, options.MaxPingBytes) = (2000, 0));
        pair.Server.Requests.HandleStream("fails", (request, _) => FailAfterAsync(BitConverter.ToInt32(request.Payload.Span)));
        pair.Server.Requests.HandleStream("large", static (_, _) => LargeAsync());

        for (var items = 0; items < 4; items++)
        {
            var (read, error) = await ReadUntilErrorAsync(pair.StreamAsync("fails", BitConverter.GetBytes(items)));
            Assert.Equal(items, read);
            Assert.Equal((RequestFailure.HandlerFailed, "No more."), (error.Failure, error.Message));
        }

        Assert.Equal(RequestFailure.NoHandler, (await ReadUntilErrorAsync(pair.StreamAsync("nobody"))).Error.Failure);
        var (before, tooLarge) = await ReadUntilErrorAsync(pair.StreamAsync("large"));
        Assert.Equal((1, RequestFailure.TooLarge), (before, tooLarge.Failure));
    }

    [Fact]
    public async Task A_streamed_reply_is_lost_with_its_link_at_once()
    {
        await using var pair = await RequestPair.StartAsync();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Server.Requests.HandleStream("forever", (_, cancelled) => ForeverAsync(ended, cancelled));
        await using var items = pair.StreamAsync("forever").GetAsyncEnumerator(TestEnd);
        await items.MoveNextAsync();
        await items.MoveNextAsync();
        var next = items.MoveNextAsync().AsTask();

        pair.Server.Node.Transport.Kill();

        var error = await Assert.ThrowsAsync<RequestException>(() => next.WaitAsync(RequestPair.Patience, TestEnd));
        Assert.Equal(RequestFailure.LinkLost, error.Failure);
        await ended.Task.WaitAsync(RequestPair.Patience, TestEnd);
    }

    [Fact]
    public async Task One_reply_is_a_sequence_of_one_and_a_sequence_is_no_reply()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.Handle("echo", RequestTests.Echo);
        pair.Server.Requests.HandleStream("count", static (_, _) => Count(3));

        Assert.Equal([77], await ReadAsync(pair.StreamAsync("echo", BitConverter.GetBytes(77))));
        var error = await Assert.ThrowsAsync<RequestException>(() => pair.CallAsync("count"));
        Assert.Equal(RequestFailure.Refused, error.Failure);
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Count(int count)
    {
        for (var number = 0; number < count; number++)
        {
            if (number % 100 == 50) await Task.Yield();
            yield return BitConverter.GetBytes(number);
        }
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> ForeverAsync(TaskCompletionSource ended, [EnumeratorCancellation] CancellationToken cancelled)
    {
        try
        {
            yield return new byte[4];
            yield return new byte[4];
            await Task.Delay(Timeout.InfiniteTimeSpan, cancelled);
        }
        finally
        {
            ended.TrySetResult();
        }
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> FailAfterAsync(int items)
    {
        for (var number = 0; number < items; number++) yield return new byte[1];
        await Task.Yield();
        throw new RequestException("No more.");
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> LargeAsync()
    {
        yield return new byte[2000];
        await Task.Yield();
        yield return new byte[2001];
    }

    private static async Task<List<int>> ReadAsync(IAsyncEnumerable<ReadOnlyMemory<byte>> items)
    {
        List<int> read = [];
        await foreach (var item in items.WithCancellation(TestEnd)) read.Add(BitConverter.ToInt32(item.Span));
        return read;
    }

    private static async Task<(int Read, RequestException Error)> ReadUntilErrorAsync(IAsyncEnumerable<ReadOnlyMemory<byte>> items)
    {
        var read = 0;
        var error = await Assert.ThrowsAsync<RequestException>(async () =>
        {
            await foreach (var _ in items) read++;
        });
        return (read, error);
    }
}
