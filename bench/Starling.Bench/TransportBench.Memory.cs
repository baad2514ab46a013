namespace Starling.Bench;

public static partial class TransportBench
{
    private static async IAsyncEnumerable<BenchResult> IdleAsync(TransportBenchOptions options)
    {
        await using var factory = new LinkFactory();
        List<(IConnection Dialler, IConnection Listener)> warm = [];
        for (var i = 0; i < 8; i++) warm.Add(await factory.ConnectAsync());
        foreach (var (dialler, listener) in warm) await CloseAsync(dialler, listener);
        var (managed, resident) = (Managed(), Resident());
        List<(IConnection Dialler, IConnection Listener)> links = [];
        for (var i = 0; i < options.IdleLinks; i++) links.Add(await factory.ConnectAsync());
        var ends = 2.0 * options.IdleLinks;
        yield return new BenchResult("idle-link-managed-bytes", (Managed() - managed) / ends, "B");
        yield return new BenchResult("idle-link-resident-bytes", (Resident() - resident) / ends, "B");

        foreach (var (dialler, listener) in links)
        {
            var (output, input) = await OpenPairAsync(dialler, listener);
            await PumpAsync(output, input, 512 << 10);
            await output.DisposeAsync();
            await input.DisposeAsync();
        }

        yield return new BenchResult("idle-link-managed-bytes-after-traffic", (Managed() - managed) / ends, "B");
        yield return new BenchResult("idle-link-resident-bytes-after-traffic", (Resident() - resident) / ends, "B");
        foreach (var (dialler, listener) in links) await CloseAsync(dialler, listener);
    }

    private static long Managed()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static long Resident()
    {
        if (!OperatingSystem.IsLinux()) return Environment.WorkingSet;
        var line = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) << 10;
    }
}
