using System.Diagnostics;
using System.Text.Json;

namespace Starling.Cli.Tests;

/// <summary>A node and a neighbour, each a process of its own, at default options; the neighbour is killed, stopped or starved.</summary>
/// <remarks>The bounds are those that are promised. Where one bounds from above it has room for a machine that is busy with other tests.</remarks>
public abstract class SilentPeerTests
{
    private protected const string SilenceReason = "KeepAliveTimeout";

    private protected static string[] Quiet { get; } = ["node", "--mdns", "off", "--admin", "off", "--json"];

    private protected static async Task<Pair> LinkAsync(params string[] neighbourOptions)
    {
        var node = ToolProcess.Start(Quiet);
        try
        {
            var address = JsonDocument.Parse(await node.OutputLineAsync(Tells("listening"))).RootElement.GetProperty("address").GetString()!;
            var pair = new Pair(node, ToolProcess.Start([.. Quiet, .. neighbourOptions, "--connect", address]));
            await node.OutputLineAsync(Tells("connected"));
            return pair;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    private protected static Predicate<string> Tells(string name) => line => line.Contains($"\"event\":\"{name}\"", StringComparison.Ordinal);

    private protected static async Task<string> LossAsync(ToolProcess node) =>
        JsonDocument.Parse(await node.OutputLineAsync(Tells("disconnected"))).RootElement.GetProperty("reason").GetString()!;
}

public sealed class KilledPeerTests : SilentPeerTests
{
    [Fact]
    public async Task A_neighbour_that_is_killed_is_reported_within_a_second()
    {
        await using var pair = await LinkAsync();
        var (node, neighbour) = (pair.Node, pair.Neighbour);
        var killed = Stopwatch.GetTimestamp();
        neighbour.KillHard();

        Assert.Contains(await LossAsync(node), new[] { "EndOfStream", "TransportError" });
        Assert.True(Stopwatch.GetElapsedTime(killed) < TimeSpan.FromSeconds(1) * 3);
    }
}

public sealed class StoppedPeerTests : SilentPeerTests
{
    [Fact]
    public async Task A_neighbour_that_falls_silent_is_suspected_and_reported_within_three_to_ten_seconds()
    {
        await using var pair = await LinkAsync();
        var (node, neighbour) = (pair.Node, pair.Neighbour);
        var stopped = Stopwatch.GetTimestamp();
        neighbour.Freeze();

        await node.OutputLineAsync(Tells("suspect"));
        Assert.Equal(SilenceReason, await LossAsync(node));
        Assert.InRange(Stopwatch.GetElapsedTime(stopped).TotalSeconds, 3, 10 * 3);
    }
}

public sealed class PausedPeerTests : SilentPeerTests
{
    [Fact]
    public async Task A_neighbour_that_pauses_for_three_seconds_is_kept_also_under_load()
    {
        await using var pair = await LinkAsync();
        var (node, neighbour) = (pair.Node, pair.Neighbour);
        using var over = new CancellationTokenSource();
        var load = Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() => SpinWait.SpinUntil(() => over.IsCancellationRequested), TaskCreationOptions.LongRunning)).ToList();
        for (var pause = 0; pause < 2; pause++)
        {
            neighbour.Freeze();
            await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, TestContext.Current.CancellationToken);
            neighbour.Thaw();
        }

        await over.CancelAsync();
        await Task.WhenAll(load);

        // Whatever was thought of the neighbour, its link is the one that it now leaves on its own.
        neighbour.Terminate();
        Assert.Equal("RemoteClose", await LossAsync(node));
    }
}

public sealed class StoppedSelfTests : SilentPeerTests
{
    [Fact]
    public async Task A_node_that_was_stopped_itself_declares_nobody_dead_when_it_wakes()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("patient.json"), """{ "Health": { "Timeout": "01:00:00" } }""", TestContext.Current.CancellationToken);
        await using var pair = await LinkAsync("--config", folder.File("patient.json"));
        var (node, patient) = (pair.Node, pair.Neighbour);
        node.Freeze();
        await Task.Delay(TimeSpan.FromSeconds(12), TimeProvider.System, TestContext.Current.CancellationToken);
        node.Thaw();

        // It watches on: who really falls silent is suspected, and alive again when it speaks.
        patient.Freeze();
        await node.OutputLineAsync(Tells("suspect"));
        patient.Thaw();
        await node.OutputLineAsync(Tells("recovered"));
        patient.Terminate();
        Assert.Equal("RemoteClose", await LossAsync(node));
    }
}

/// <summary>Two linked processes, which end together, frozen or not.</summary>
internal sealed class Pair(ToolProcess node, ToolProcess neighbour) : IAsyncDisposable
{
    public ToolProcess Node => node;

    public ToolProcess Neighbour => neighbour;

    public async ValueTask DisposeAsync()
    {
        await node.DisposeAsync();
        await neighbour.DisposeAsync();
    }
}
