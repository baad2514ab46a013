using System.Diagnostics;

namespace Starling.Bench;

/// <summary>How <see cref="RequestBench"/> measures.</summary>
public sealed class RequestBenchOptions
{
    /// <summary>Paired runs of the round trip. Default 7; at least 5 for a median worth quoting.</summary>
    public int Runs { get; set; } = 7;

    /// <summary>Round trips in one latency run. Default 2,000.</summary>
    public int RoundTrips { get; set; } = 2000;

    /// <summary>Requests in one throughput run. Default 100,000.</summary>
    public int Requests { get; set; } = 100_000;

    /// <summary>Requests in flight in a throughput run. Default 1,000.</summary>
    public int InFlight { get; set; } = 1000;

    /// <summary>Only measurements whose name contains this; null measures all.</summary>
    public string? Only { get; set; }

    /// <summary>Told of each result as it is there; may be null.</summary>
    public Action<BenchResult>? Progress { get; set; }
}

/// <summary>Measures requests of 100 bytes between two whole nodes on loopback, both in this process: TCP, TLS 1.3, yamux, the handler, and back.</summary>
public static class RequestBench
{
    private const int PayloadSize = 100;
    private const int ThroughputRuns = 5;

    /// <summary>Runs every measurement; less than a minute.</summary>
    public static async Task<BenchReport> RunAsync(RequestBenchOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new RequestBenchOptions();
        await using var server = await StarlingNode.StartAsync(new StarlingOptions { Mdns = false }, cancellationToken);
        await using var caller = await StarlingNode.StartAsync(new StarlingOptions { Mdns = false }, cancellationToken);
        server.HandleRequest("echo", static (request, _) => ValueTask.FromResult(request.Payload));
        await caller.ConnectAsync(server.Addresses[0], cancellationToken);
        await ManyAsync(caller, server.PeerId, options.Requests / 5, options.InFlight, cancellationToken);

        List<BenchResult> results = [];
        if (Wanted(options, "request-rtt")) Add(await RoundTripAsync(caller, server.PeerId, options, cancellationToken));
        if (Wanted(options, "requests-per-second alloc-per-request"))
        {
            foreach (var result in await ThroughputAsync(caller, server.PeerId, options, cancellationToken)) Add(result);
        }

        return new BenchReport(results);

        void Add(BenchResult result)
        {
            results.Add(result);
            options.Progress?.Invoke(result);
        }
    }

    private static bool Wanted(RequestBenchOptions options, string names) => options.Only is not { } only || names.Contains(only, StringComparison.Ordinal);

    private static async Task<BenchResult> RoundTripAsync(StarlingNode caller, PeerId server, RequestBenchOptions options, CancellationToken cancellationToken)
    {
        var (bareOut, bareIn) = await BareTls.ConnectAsync();
        await using var _ = bareOut;
        await using var __ = bareIn;
        var echo = EchoAsync(bareIn);
        var result = await Samples.PairAsync(
            "request-rtt", "us", options.Runs, () => BareMedianAsync(bareOut, options.RoundTrips, cancellationToken), () => RequestMedianAsync(caller, server, options.RoundTrips, cancellationToken));
        await bareOut.DisposeAsync();
        await echo;
        return result;
    }

    /// <summary>Requests a second, and bytes allocated for each by both ends together, the reply's own array included.</summary>
    private static async Task<IReadOnlyList<BenchResult>> ThroughputAsync(StarlingNode caller, PeerId server, RequestBenchOptions options, CancellationToken cancellationToken)
    {
        List<double> rates = [];
        List<double> allocations = [];
        for (var run = 0; run < ThroughputRuns; run++)
        {
            var allocated = GC.GetTotalAllocatedBytes(precise: true);
            var started = Stopwatch.GetTimestamp();
            await ManyAsync(caller, server, options.Requests, options.InFlight, cancellationToken);
            rates.Add(options.Requests / Stopwatch.GetElapsedTime(started).TotalSeconds);
            allocations.Add((GC.GetTotalAllocatedBytes(precise: true) - allocated) / (double)options.Requests);
        }

        return [new BenchResult("requests-per-second", Samples.Median(rates), "1/s"), new BenchResult("alloc-per-request", Samples.Median(allocations), "B")];
    }

    /// <summary>Makes so many requests, so many of them in flight, and checks every answer.</summary>
    /// <exception cref="InvalidDataException">An answer was lost, or was another's.</exception>
    private static async Task ManyAsync(StarlingNode caller, PeerId server, int requests, int inFlight, CancellationToken cancellationToken)
    {
        var next = 0;
        var answered = 0;
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(WorkAsync, cancellationToken)));
        if (answered != requests) throw new InvalidDataException($"{requests - answered} of {requests} requests were not answered.");

        async Task WorkAsync()
        {
            var payload = new byte[PayloadSize];
            while (Interlocked.Increment(ref next) is var number && number <= requests)
            {
                BitConverter.TryWriteBytes(payload, number);
                var reply = await caller.RequestAsync(server, "echo", payload, cancellationToken: cancellationToken);
                if (!reply.Span.SequenceEqual(payload)) throw new InvalidDataException($"Request {number} got another answer.");
                Interlocked.Increment(ref answered);
            }
        }
    }

    private static async Task<double> RequestMedianAsync(StarlingNode caller, PeerId server, int count, CancellationToken cancellationToken)
    {
        var payload = new byte[PayloadSize];
        var times = new double[count];
        for (var i = 0; i < count; i++)
        {
            var started = Stopwatch.GetTimestamp();
            var reply = await caller.RequestAsync(server, "echo", payload, cancellationToken: cancellationToken);
            times[i] = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            if (reply.Length != PayloadSize) throw new InvalidDataException("The answer is another's.");
        }

        return Samples.Median(times);
    }

    private static async Task<double> BareMedianAsync(Stream stream, int count, CancellationToken cancellationToken)
    {
        var buffer = new byte[PayloadSize];
        var times = new double[count];
        for (var i = 0; i < count; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await stream.WriteAsync(buffer, cancellationToken);
            await stream.ReadExactlyAsync(buffer, cancellationToken);
            times[i] = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
        }

        return Samples.Median(times);
    }

    private static async Task EchoAsync(Stream stream)
    {
        var buffer = new byte[PayloadSize];
        try
        {
            int count;
            while ((count = await stream.ReadAsync(buffer)) > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            return;
        }
    }
}
