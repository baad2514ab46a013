using System.Globalization;
using Spectre.Console;

namespace Starling.Cli.Demo;

/// <summary>Shows a demo while it runs: a live table on a terminal, a plain line a second elsewhere.</summary>
internal sealed class DemoTable(Output output, DemoRun run, TimeProvider clock)
{
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(200);
    private const int PlainEvery = 5;
    private readonly Dictionary<DemoPeer, (long Messages, long At)> _last = [];

    /// <summary>Shows the peers until the work ends; its outcome is the work's.</summary>
    public Task ShowAsync(Task work) => output.IsLive ? DrawAsync(work) : PrintAsync(work);

    private async Task DrawAsync(Task work)
    {
        await output.Screen.Live(Build()).StartAsync(async live =>
        {
            using var timer = new PeriodicTimer(Redraw, clock);
            while (!work.IsCompleted)
            {
                await Task.WhenAny(work, timer.WaitForNextTickAsync().AsTask()).ConfigureAwait(false);
                live.UpdateTarget(Build());
            }
        }).ConfigureAwait(false);
        await work.ConfigureAwait(false);
    }

    private async Task PrintAsync(Task work)
    {
        var told = "";
        using var timer = new PeriodicTimer(Redraw, clock);
        var ticks = 0;
        do
        {
            if (run.Stage != told) output.Note(told = run.Stage);
            else if (++ticks % PlainEvery == 0) output.Note(Progress());
        }
        while (await Task.WhenAny(work, timer.WaitForNextTickAsync().AsTask()).ConfigureAwait(false) != work);

        if (run.Stage != told) output.Note(run.Stage);
        await work.ConfigureAwait(false);
    }

    private string Progress() =>
        Invariant($"{run.Peers.Sum(peer => peer.Received.Messages)} messages received, latency {Milliseconds(run.Peers.Select(peer => peer.Latencies.Percentile(0.5)).Max())}");

    private Table Build()
    {
        var table = new Table().RoundedBorder().Title(Markup.Escape(run.Stage));
        foreach (var heading in new[] { "node", "peer", "port", "links", "rtt ms", "messages", "latency", "msg/s" })
            table.AddColumn(new TableColumn(heading).NoWrap().RightAligned());
        foreach (var peer in run.Peers)
        {
            table.AddRow(
                peer.IsPublisher ? $"[green]{peer.Name}[/]" : peer.Name,
                $"…{peer.Node.PeerId.ToString()[^6..]}",
                peer.Port,
                Invariant($"{peer.Node.Links.Count}"),
                Invariant($"{peer.RoundTrip()?.TotalMilliseconds:0.00}"),
                Invariant($"{peer.Sent.Messages + peer.Received.Messages}"),
                peer.IsPublisher ? "sends" : Milliseconds(peer.Latencies.Percentile(0.5)),
                Invariant($"{Rate(peer):0}"));
        }

        return table;
    }

    private double Rate(DemoPeer peer)
    {
        var now = clock.GetTimestamp();
        var messages = peer.Sent.Messages + peer.Received.Messages;
        var rate = _last.TryGetValue(peer, out var last) && now > last.At ? (messages - last.Messages) / clock.GetElapsedTime(last.At, now).TotalSeconds : 0;
        _last[peer] = (messages, now);
        return rate;
    }

    private static string Milliseconds(TimeSpan? time) => time is { } known ? Invariant($"{known.TotalMilliseconds:0.0} ms") : "–";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
