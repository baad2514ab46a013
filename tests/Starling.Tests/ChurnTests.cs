namespace Starling.Tests;

/// <summary>Measures the whole process, so it runs while no other test does.</summary>
[CollectionDefinition(nameof(ChurnTests), DisableParallelization = true)]
[Collection(nameof(ChurnTests))]
public class ChurnTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>400 cycles by default, about four seconds; STARLING_CHURN_CYCLES=10000 runs the long one.</summary>
    [Fact]
    public async Task Connecting_and_disconnecting_again_and_again_leaves_no_growth()
    {
        var cycles = int.TryParse(Environment.GetEnvironmentVariable("STARLING_CHURN_CYCLES"), out var asked) ? asked : 400;
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        b.Handle("/echo/1", async (stream, cancelled) =>
        {
            var buffer = new byte[64];
            while (await stream.ReadAsync(buffer, cancelled) is > 0 and var count) await stream.WriteAsync(buffer.AsMemory(0, count), cancelled);
        });

        await CycleAsync(a, b, 100);
        var before = Measure();
        await CycleAsync(a, b, cycles);
        var after = Measure();

        TestContext.Current.SendDiagnosticMessage($"{cycles} cycles: {before} then {after}");
        Assert.True(after.Bytes - before.Bytes < 1 << 20, $"{after.Bytes - before.Bytes} bytes more after {cycles} cycles");
        Assert.True(after.Handles - before.Handles < 20, $"{after.Handles - before.Handles} handles more after {cycles} cycles");
        foreach (var node in new[] { a, b })
        {
            Assert.Empty(node.Links);
            Assert.Equal((0, 0, 0), (node.Budget.Used(ResourceKind.Handshakes), node.Budget.Used(ResourceKind.Links), node.Budget.Used(ResourceKind.Streams)));
        }
    }

    private static async Task CycleAsync(StarlingNode a, StarlingNode b, int cycles)
    {
        await using var events = b.EventsAsync().GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience));
        for (var i = 0; i < cycles; i++)
        {
            var link = await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
            await using (var stream = await link.OpenStreamAsync(["/echo/1"]))
            {
                await stream.WriteAsync(new byte[1]);
                Assert.Equal(1, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
                await stream.CloseWriteAsync();
            }

            await a.DisconnectAsync(b.PeerId).WaitAsync(Patience);
            do Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Patience));
            while (events.Current is not NodeEvent.Disconnected);
        }
    }

    private static (long Bytes, int Handles) Measure()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return (GC.GetTotalMemory(forceFullCollection: true), Directory.Exists("/proc/self/fd") ? Directory.GetFiles("/proc/self/fd").Length : 0);
    }
}
