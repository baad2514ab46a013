using System.Diagnostics;

namespace Starling.Bench;

/// <summary>Real links under random use until the time is up: transfers that are checked byte by byte, cancelled, reset and cut off by a closing link.</summary>
internal static class Soak
{
    public static async Task RunAsync(TimeSpan time, ulong seed)
    {
        var unobserved = 0;
        TaskScheduler.UnobservedTaskException += (_, _) => Interlocked.Increment(ref unobserved);
        var random = RandomSource.Seeded(seed);
        var started = Stopwatch.GetTimestamp();
        var (links, bytes) = (0, 0L);
        await using var factory = new LinkFactory();
        while (Stopwatch.GetElapsedTime(started) < time)
        {
            var (dialler, listener) = await factory.ConnectAsync();
            var serving = ServeAsync(listener);
            var workers = Enumerable.Range(0, 1 + random.Next(12)).Select(i => Task.Run(() => WorkAsync(dialler, random.Fork($"{links}/{i}")))).ToArray();
            var (first, second) = random.Next(2) == 0 ? (dialler, listener) : (listener, dialler);
            if (random.Next(3) > 0) await Task.WhenAll(workers).WaitAsync(TimeSpan.FromSeconds(60));
            await first.CloseAsync(new CloseInfo(CloseReason.LocalClose)).WaitAsync(TimeSpan.FromSeconds(10));
            await second.Closed.WaitAsync(TimeSpan.FromSeconds(10));
            foreach (var count in await Task.WhenAll(workers).WaitAsync(TimeSpan.FromSeconds(10))) bytes += count;
            await serving.WaitAsync(TimeSpan.FromSeconds(10));
            if (factory.Budgets.Any(static budget => budget.Used(ResourceKind.Streams) + budget.Used(ResourceKind.WindowBytes) != 0))
                throw new InvalidOperationException($"A budget was not given back (seed {seed}, link {links}).");
            links++;
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        Console.Error.WriteLine($"{links} links, {bytes / 1e6:0} MB echoed, {unobserved} unobserved exceptions, {GC.GetTotalMemory(true) / 1e6:0.0} MB managed");
        if (unobserved > 0) throw new InvalidOperationException("A task's exception was not observed.");
    }

    private static async Task<long> WorkAsync(IConnection link, RandomSource random)
    {
        var bytes = 0L;
        try
        {
            for (var i = 0; i < 20; i++)
            {
                await using var stream = await link.OpenStreamAsync();
                var size = random.Next(random.Next(3) == 0 ? 3_000_000 : 5_000);
                var sending = SendAsync(stream, size, random);
                if (random.Next(6) == 0) stream.Reset();
                try
                {
                    await ReceiveAsync(stream, size, random);
                    await sending;
                    bytes += size;
                }
                catch (StreamResetException)
                {
                    await ((Task)sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
                catch (ConnectionClosedException)
                {
                    await ((Task)sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw;
                }
            }
        }
        catch (ConnectionClosedException)
        {
            return bytes;
        }

        return bytes;
    }

    private static async Task SendAsync(IStream stream, int size, RandomSource random)
    {
        await Task.Yield();
        var data = new byte[150_000];
        var sent = 0;
        while (sent < size)
        {
            var part = data.AsMemory(0, Math.Min(1 + random.Next(data.Length), size - sent));
            for (var i = 0; i < part.Length; i++) part.Span[i] = Pattern(sent + i);
            using var cancel = new CancellationTokenSource();
            var write = stream.WriteAsync(part, cancel.Token).AsTask();
            if (random.Next(4) == 0) await cancel.CancelAsync();
            try
            {
                await write;
                sent += part.Length;
            }
            catch (WriteCanceledException canceled)
            {
                sent += (int)canceled.BytesAccepted;
            }
        }

        await stream.CloseWriteAsync();
    }

    private static async Task ReceiveAsync(IStream stream, int size, RandomSource random)
    {
        var buffer = new byte[100_000];
        var received = 0;
        while (true)
        {
            using var cancel = new CancellationTokenSource();
            var read = stream.ReadAsync(buffer.AsMemory(0, 1 + random.Next(buffer.Length)), cancel.Token).AsTask();
            if (random.Next(4) == 0) await cancel.CancelAsync();
            try
            {
                var count = await read;
                if (count == 0) break;
                for (var i = 0; i < count; i++)
                    if (buffer[i] != Pattern(received + i)) throw new InvalidDataException($"Byte {received + i} of {size} is wrong.");
                received += count;
            }
            catch (OperationCanceledException)
            {
                continue;
            }
        }

        if (received != size) throw new InvalidDataException($"{received} bytes of {size} came back.");
    }

    private static async Task ServeAsync(IConnection link)
    {
        List<Task> echoes = [];
        try
        {
            while (true) echoes.Add(EchoAsync(await link.AcceptStreamAsync()));
        }
        catch (ConnectionClosedException)
        {
            await Task.WhenAll(echoes);
        }
    }

    private static async Task EchoAsync(IStream stream)
    {
        await using (stream)
        {
            try
            {
                var buffer = new byte[64 << 10];
                int count;
                while ((count = await stream.ReadAsync(buffer)) > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
                await stream.CloseWriteAsync();
            }
            catch (Exception exception) when (exception is StreamResetException or ConnectionClosedException)
            {
                return;
            }
        }
    }

    private static byte Pattern(int offset) => (byte)((offset * 31) + (offset >> 9));
}
