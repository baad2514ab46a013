using System.Diagnostics;

namespace Starling.Bench;

public static partial class TransportBench
{
    private static async IAsyncEnumerable<BenchResult> StreamThroughputAsync(TransportBenchOptions options)
    {
        var (bareOut, bareIn) = await BareTls.ConnectAsync();
        await using var factory = new LinkFactory();
        var (dialler, listener) = await factory.ConnectAsync();
        var (streamOut, streamIn) = await OpenPairAsync(dialler, listener);
        yield return await Samples.PairAsync(
            "stream-throughput", "MB/s", options.Runs, () => PumpAsync(bareOut, bareIn, options.ThroughputBytes), () => PumpAsync(streamOut, streamIn, options.ThroughputBytes));

        var gen2 = GC.CollectionCount(2);
        List<double> allocated = [];
        for (var run = 0; run < options.Runs; run++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await PumpAsync(streamOut, streamIn, options.ThroughputBytes);
            allocated.Add((double)(GC.GetTotalAllocatedBytes(precise: true) - before) / options.ThroughputBytes);
        }

        if (GC.CollectionCount(2) != gen2) Console.Error.WriteLine("alloc-per-byte: a gen-2 collection ran while measuring.");
        yield return new BenchResult("alloc-per-byte", Samples.Median(allocated), "B/B");
        await CloseAsync(dialler, listener);
        await bareOut.DisposeAsync();
        await bareIn.DisposeAsync();
    }

    private static async IAsyncEnumerable<BenchResult> EightStreamsAsync(TransportBenchOptions options)
    {
        var (bareOut, bareIn) = await BareTls.ConnectAsync();
        await using var factory = new LinkFactory();
        var (dialler, listener) = await factory.ConnectAsync();
        List<(Stream Out, Stream In)> pairs = [];
        for (var i = 0; i < 8; i++) pairs.Add(await OpenPairAsync(dialler, listener));
        yield return await Samples.PairAsync(
            "streams8-throughput",
            "MB/s",
            options.Runs,
            () => PumpAsync(bareOut, bareIn, options.ThroughputBytes),
            async () =>
            {
                var started = Stopwatch.GetTimestamp();
                await Task.WhenAll(pairs.Select(pair => Task.Run(() => PumpAsync(pair.Out, pair.In, options.ThroughputBytes / 8))));
                return MegabytesPerSecond(options.ThroughputBytes, started);
            });
        await CloseAsync(dialler, listener);
        await bareOut.DisposeAsync();
        await bareIn.DisposeAsync();
    }

    /// <summary>Moves bytes from one end to the other in 64 KiB writes and reads; MB/s until the last byte is read.</summary>
    private static async Task<double> PumpAsync(Stream output, Stream input, long bytes)
    {
        var data = new byte[WriteSize];
        var started = Stopwatch.GetTimestamp();
        var write = Task.Run(async () =>
        {
            for (var sent = 0L; sent < bytes; sent += WriteSize) await output.WriteAsync(data);
        });
        await Task.Run(async () =>
        {
            var buffer = new byte[WriteSize];
            for (var received = 0L; received < bytes;) received += await input.ReadAsync(buffer);
        });
        await write;
        return MegabytesPerSecond(bytes, started);
    }
}
