using System.Diagnostics;

namespace Starling.Bench;

public static partial class TransportBench
{
    /// <summary>Time from the call to a ready link between two nodes: TCP, TLS, yamux, identify both ways. Beside it what bare TCP and TLS take.</summary>
    private static async IAsyncEnumerable<BenchResult> DialAsync(TransportBenchOptions options)
    {
        await using var dialler = await StarlingNode.StartAsync(new StarlingOptions { Mdns = false });
        await using var listener = await StarlingNode.StartAsync(new StarlingOptions { Mdns = false, Listen = ["/ip4/127.0.0.1/tcp/0"] });
        var address = listener.Addresses[0];
        yield return await Samples.PairAsync(
            "dial",
            "ms",
            options.Runs * 3,
            static async () =>
            {
                var started = Stopwatch.GetTimestamp();
                var (client, server) = await BareTls.ConnectAsync();
                var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                await client.DisposeAsync();
                await server.DisposeAsync();
                return took;
            },
            async () =>
            {
                var started = Stopwatch.GetTimestamp();
                await dialler.ConnectAsync(address);
                var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                await dialler.DisconnectAsync(listener.PeerId);
                return took;
            });
    }
}
