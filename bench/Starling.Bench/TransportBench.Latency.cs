using System.Diagnostics;

namespace Starling.Bench;

public static partial class TransportBench
{
    private static async IAsyncEnumerable<BenchResult> EchoAsync(TransportBenchOptions options)
    {
        var (bareOut, bareIn) = await BareTls.ConnectAsync();
        await using var factory = new LinkFactory();
        var (dialler, listener) = await factory.ConnectAsync();
        var (streamOut, streamIn) = await OpenPairAsync(dialler, listener);
        _ = ServeEchoAsync(bareIn);
        _ = ServeEchoAsync(streamIn);
        yield return await Samples.PairAsync(
            "echo-rtt", "us", options.Runs, () => EchoMedianAsync(bareOut, options.Echoes), () => EchoMedianAsync(streamOut, options.Echoes));
        await CloseAsync(dialler, listener);
        await bareOut.DisposeAsync();
        await bareIn.DisposeAsync();
    }

    private static async IAsyncEnumerable<BenchResult> OpenEchoAsync(TransportBenchOptions options)
    {
        var (bareOut, bareIn) = await BareTls.ConnectAsync();
        await using var factory = new LinkFactory();
        var (dialler, listener) = await factory.ConnectAsync();
        _ = ServeEchoAsync(bareIn);
        _ = ServeStreamsAsync(listener);
        yield return await Samples.PairAsync(
            "open-echo", "us", options.Runs, () => EchoMedianAsync(bareOut, options.Echoes), () => OpenEchoMedianAsync(dialler, options.Echoes));
        await CloseAsync(dialler, listener);
        await bareOut.DisposeAsync();
        await bareIn.DisposeAsync();
    }

    private static async IAsyncEnumerable<BenchResult> EchoBesideBulkAsync(TransportBenchOptions options)
    {
        await using var factory = new LinkFactory();
        var (dialler, listener) = await factory.ConnectAsync();
        var (bulkOut, bulkIn) = await OpenPairAsync(dialler, listener);
        var (echoOut, echoIn) = await OpenPairAsync(dialler, listener);
        _ = ServeEchoAsync(echoIn);
        using var stop = new CancellationTokenSource();
        var moved = 0L;
        var bulk = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await PumpAsync(bulkOut, bulkIn, BulkRound);
                Interlocked.Add(ref moved, BulkRound);
            }
        });
        await EchoMedianAsync(echoOut, options.Echoes / 10);
        List<double> medians = [];
        for (var run = 0; run < options.Runs; run++)
        {
            // Echoes count only while the bulk stream really moves, also on a machine with other work.
            var goal = Interlocked.Read(ref moved) + (4 * BulkRound);
            List<double> parts = [];
            while (Interlocked.Read(ref moved) < goal) parts.Add(await EchoMedianAsync(echoOut, options.Echoes / 40));
            medians.Add(Samples.Median(parts));
        }

        await stop.CancelAsync();
        await bulk;
        yield return new BenchResult("echo-beside-bulk", Samples.Median(medians) / 1000, "ms");
        await CloseAsync(dialler, listener);
    }

    private const long BulkRound = 16L << 20;

    private static async Task<double> EchoMedianAsync(Stream stream, int echoes)
    {
        var buffer = new byte[EchoSize];
        var times = new double[echoes];
        for (var i = 0; i < echoes; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await stream.WriteAsync(buffer);
            await stream.ReadExactlyAsync(buffer);
            times[i] = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
        }

        return Samples.Median(times);
    }

    private static async Task<double> OpenEchoMedianAsync(IConnection dialler, int echoes)
    {
        var buffer = new byte[EchoSize];
        var times = new double[echoes];
        for (var i = 0; i < echoes; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await using var stream = await dialler.OpenStreamAsync();
            await stream.WriteAsync(buffer);
            var read = 0;
            while (read < EchoSize) read += await stream.ReadAsync(buffer.AsMemory(read));
            times[i] = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            await stream.CloseWriteAsync();
            if (await stream.ReadAsync(buffer) != 0) throw new InvalidDataException("The echo did not end.");
        }

        return Samples.Median(times);
    }

    private static async Task ServeEchoAsync(Stream stream)
    {
        var buffer = new byte[EchoSize];
        try
        {
            int count;
            while ((count = await stream.ReadAsync(buffer)) > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
        }
        catch (Exception exception) when (exception is StarlingException or IOException or ObjectDisposedException)
        {
            return;
        }
    }

    private static async Task ServeStreamsAsync(IConnection listener)
    {
        try
        {
            while (true)
            {
                var stream = await listener.AcceptStreamAsync();
                _ = ServeStreamAsync(stream);
            }
        }
        catch (ConnectionClosedException)
        {
            return;
        }
    }

    private static async Task ServeStreamAsync(IStream stream)
    {
        await using (stream)
        {
            var buffer = new byte[EchoSize];
            int count;
            while ((count = await stream.ReadAsync(buffer)) > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
            await stream.CloseWriteAsync();
        }
    }

    /// <summary>A stream with both its ends, each as a System.IO stream; its opening has arrived.</summary>
    private static async Task<(Stream Out, Stream In)> OpenPairAsync(IConnection dialler, IConnection listener)
    {
        var opened = await dialler.OpenStreamAsync();
        await opened.WriteAsync(new byte[1]);
        var accepted = await listener.AcceptStreamAsync();
        if (await accepted.ReadAsync(new byte[1]) != 1) throw new InvalidDataException("The stream's first byte did not arrive.");
        return (opened.AsStream(), accepted.AsStream());
    }
}
