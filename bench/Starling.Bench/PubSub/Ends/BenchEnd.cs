using System.Diagnostics;
using System.Globalization;
using Starling.Bench.PubSub.Nats;

namespace Starling.Bench.PubSub.Ends;

/// <summary>A process of the comparison: does what it is told, a line at a time, until its input ends; so it never outlives the one that started it.</summary>
/// <remarks>Each command is answered by <c>ok ...</c> or <c>error ...</c>; <c>receive</c> also by <c>ready</c>, before the first message may come.</remarks>
public static class BenchEnd
{
    /// <summary>Runs a role until the input ends.</summary>
    /// <param name="role">starling, nats, or nats-host.</param>
    /// <param name="input">The commands.</param>
    /// <param name="output">The answers.</param>
    /// <exception cref="ArgumentException">There is no such role.</exception>
    public static async Task RunAsync(string role, TextReader input, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        if (role == "nats-host")
        {
            await using var host = await NatsHost.StartAsync(NatsHost.FindProgram() ?? throw new ArgumentException("nats-server is not installed.", nameof(role)));
            await SayAsync(output, $"ok {host.Port}/{host.Certificate}");
            await input.ReadToEndAsync();
            return;
        }

        await using IBenchEnd end = role switch
        {
            "starling" => await StarlingEnd.StartAsync(),
            "nats" => new NatsEnd(),
            _ => throw new ArgumentException($"There is no role '{role}'.", nameof(role)),
        };
        await SayAsync(output, $"ok {end.Address}");
        while (await input.ReadLineAsync() is { } line)
        {
            try
            {
                await SayAsync(output, $"ok {await ObeyAsync(end, line.Split(' '), output)}");
            }
            catch (Exception error) when (error is StarlingException or IOException or InvalidOperationException or ArgumentException)
            {
                await SayAsync(output, $"error {error.Message.ReplaceLineEndings(" ")}");
            }
        }
    }

    private static async Task<string> ObeyAsync(IBenchEnd end, string[] command, TextWriter output)
    {
        switch (command)
        {
            case ["connect", var address]:
                await end.ConnectAsync(address);
                return "";
            case ["members", var members]:
                end.SetMembers(members);
                return "";
            case ["subscribe", var topic]:
                await end.SubscribeAsync(topic);
                return "";
            case ["wait", var topic, var subscribers]:
                await end.WaitAsync(topic, Number(subscribers));
                return "";
            case ["receive", var topic, var count, var size, var pace]:
                return (await ReceiveAsync(end, topic, new Tally(Number(count), Number(size), pace == "paced"), output)).ToString();
            case ["publish", var topic, var count, var size, "full"]:
                return (await PublishAsync(end, topic, Number(count), new byte[Number(size)])).ToString();
            case ["publish", var topic, var count, var size, "paced"]:
                return (await Task.Factory.StartNew(
                    () => PublishPaced(end, topic, Number(count), new byte[Number(size)]), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToString();
            case ["signatures", var size]:
                return SignatureCost.Measure(Number(size)).ToString();
            default:
                throw new ArgumentException($"There is no command '{string.Join(' ', command)}'.", nameof(command));
        }
    }

    private static async Task<RunFigures> ReceiveAsync(IBenchEnd end, string topic, Tally tally, TextWriter output)
    {
        var meter = new Meter();
        var receiving = end.ReceiveAsync(topic, tally);
        await SayAsync(output, "ready");
        await receiving;
        var figures = meter.Read(0, tally.Ended);
        if (tally.Latencies.Count == 0) return figures;
        var sorted = tally.Latencies.Order().ToArray();
        return figures with { P50 = Samples.Median(sorted), P99 = sorted[(int)(0.99 * (sorted.Length - 1))] };
    }

    /// <summary>As fast as the system takes them.</summary>
    private static async Task<RunFigures> PublishAsync(IBenchEnd end, string topic, int count, byte[] payload)
    {
        var meter = new Meter();
        var started = Stopwatch.GetTimestamp();
        for (var number = 0; number < count; number++)
        {
            Tally.Mark(payload, number, 0);
            await end.PublishAsync(topic, payload);
        }

        await end.FlushAsync();
        return meter.Read(started, Stopwatch.GetTimestamp());
    }

    /// <summary>One message, a millisecond of sleep, the next: each finds the system idle, and no processor is kept busy by waiting.</summary>
    private static RunFigures PublishPaced(IBenchEnd end, string topic, int count, byte[] payload)
    {
        var meter = new Meter();
        var started = Stopwatch.GetTimestamp();
        for (var number = 0; number < count; number++)
        {
            Thread.Sleep(1);
            Tally.Mark(payload, number, Stopwatch.GetTimestamp());
            end.PublishAsync(topic, payload).AsTask().GetAwaiter().GetResult();
            end.FlushAsync().AsTask().GetAwaiter().GetResult();
        }

        return meter.Read(started, Stopwatch.GetTimestamp());
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static async Task SayAsync(TextWriter output, string line)
    {
        await output.WriteLineAsync(line);
        await output.FlushAsync();
    }

    /// <summary>What the process allocates and computes from here on.</summary>
    private sealed class Meter
    {
        private readonly long _allocated;
        private readonly TimeSpan _cpu;

        public Meter()
        {
            GC.Collect();
            _allocated = GC.GetTotalAllocatedBytes(precise: true);
            _cpu = Process.GetCurrentProcess().TotalProcessorTime;
        }

        public RunFigures Read(long started, long ended) =>
            new(started, ended, GC.GetTotalAllocatedBytes(precise: true) - _allocated, (Process.GetCurrentProcess().TotalProcessorTime - _cpu).TotalSeconds);
    }
}
