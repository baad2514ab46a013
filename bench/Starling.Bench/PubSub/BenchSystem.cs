using System.Diagnostics;
using Starling.Bench.PubSub.Ends;

namespace Starling.Bench.PubSub;

/// <summary>One system under comparison: a publisher, some subscribers, each a process. Disposing ends them.</summary>
internal sealed class BenchSystem : IAsyncDisposable
{
    private readonly List<EndProcess> _ends = [];
    private readonly HashSet<string> _topics = new(StringComparer.Ordinal);
    private EndProcess? _host;

    private EndProcess Publisher => _ends[0];

    private IEnumerable<EndProcess> Subscribers => _ends.Skip(1);

    /// <summary>Starts Starling nodes; the publisher dials each subscriber, and all are told who is a member of <c>Link</c> topics.</summary>
    public static async Task<BenchSystem> StartStarlingAsync(PubSubBenchOptions options, int subscribers, CancellationToken cancellationToken)
    {
        var system = await StartAsync(() => EndProcess.StartAsync(options.EndVerb, "starling", cancellationToken), host: null, subscribers, cancellationToken);
        var members = string.Join(',', system._ends.Select(static end => end.Address[(end.Address.LastIndexOf('/') + 1)..]));
        await EachAsync(system._ends, end => end.AskAsync($"members {members}", cancellationToken));
        return system;
    }

    /// <summary>Starts a nats-server with clients.</summary>
    public static Task<BenchSystem> StartNatsAsync(PubSubBenchOptions options, int subscribers, CancellationToken cancellationToken) =>
        StartAsync(
            () => EndProcess.StartAsync(options.EndVerb, "nats", cancellationToken),
            () => EndProcess.StartAsync(options.EndVerb, "nats-host", cancellationToken),
            subscribers,
            cancellationToken);

    /// <summary>Starts two js-libp2p nodes.</summary>
    public static Task<BenchSystem> StartJsAsync(JsProgram program, CancellationToken cancellationToken) =>
        StartAsync(() => EndProcess.StartAsync("js-libp2p", program.Node, [program.Script], cancellationToken), host: null, subscribers: 1, cancellationToken);

    /// <summary>Starts a system.</summary>
    /// <param name="start">Starts one end.</param>
    /// <param name="host">Starts what all ends connect to; null has the publisher connect to each subscriber.</param>
    /// <param name="subscribers">How many.</param>
    /// <param name="cancellationToken">Gives up and ends what was started.</param>
    public static async Task<BenchSystem> StartAsync(Func<Task<EndProcess>> start, Func<Task<EndProcess>>? host, int subscribers, CancellationToken cancellationToken)
    {
        var system = new BenchSystem();
        try
        {
            if (host is not null) system._host = await host();
            await system.StartEndsAsync([.. Enumerable.Range(0, subscribers + 1).Select(_ => start())]);
            if (system._host is { } server) await EachAsync(system._ends, end => end.AskAsync($"connect {server.Address}", cancellationToken));
            else foreach (var subscriber in system.Subscribers) await system.Publisher.AskAsync($"connect {subscriber.Address}", cancellationToken);
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    /// <summary>Publishes so many messages and waits until each subscriber has read and checked all of them.</summary>
    /// <exception cref="InvalidOperationException">A message was lost, repeated or came out of order, or an end failed.</exception>
    public async Task<SystemRun> RunAsync(RunPlan plan, CancellationToken cancellationToken)
    {
        var readers = Subscribers.Take(plan.Subscribers).ToArray();
        if (_topics.Add(plan.Topic)) await EachAsync(readers, reader => reader.AskAsync($"subscribe {plan.Topic}", cancellationToken));
        await Publisher.AskAsync($"wait {plan.Topic} {plan.Subscribers}", cancellationToken);
        var what = $"{plan.Topic} {plan.Count} {plan.Size} {(plan.IsPaced ? "paced" : "full")}";
        await EachAsync(readers, reader => reader.AskAsync($"receive {what}", cancellationToken));
        await Publisher.TellAsync($"publish {what}");
        Task<string>[] answers = [Publisher.AnswerAsync(cancellationToken), .. readers.Select(reader => reader.AnswerAsync(cancellationToken))];
        await foreach (var answer in Task.WhenEach(answers)) await answer;
        var figures = await Task.WhenAll(answers);
        return new SystemRun(plan.Count, RunFigures.Parse(figures[0]), [.. figures.Skip(1).Select(RunFigures.Parse)]);
    }

    /// <summary>What a signature costs in the publisher's process.</summary>
    public async Task<SignatureCost> SignaturesAsync(int size, CancellationToken cancellationToken) =>
        SignatureCost.Parse(await Publisher.AskAsync($"signatures {size}", cancellationToken));

    public async ValueTask DisposeAsync()
    {
        await EachAsync(_ends, end => end.DisposeAsync().AsTask());
        if (_host is not null) await _host.DisposeAsync();
    }

    private async Task StartEndsAsync(Task<EndProcess>[] starting)
    {
        try
        {
            await Task.WhenAll(starting);
        }
        finally
        {
            _ends.AddRange(starting.Where(static one => one.IsCompletedSuccessfully).Select(static one => one.Result));
        }
    }

    private static Task EachAsync(IEnumerable<EndProcess> ends, Func<EndProcess, Task> act) => Task.WhenAll(ends.Select(act));
}

/// <summary>One run.</summary>
/// <param name="Count">Messages published.</param>
/// <param name="Publisher">The publisher's figures.</param>
/// <param name="Subscribers">Each subscriber's.</param>
internal sealed record SystemRun(int Count, RunFigures Publisher, IReadOnlyList<RunFigures> Subscribers)
{
    /// <summary>From the first publish until the last subscriber had the last message.</summary>
    public double Seconds => Stopwatch.GetElapsedTime(Publisher.Started, Subscribers.Max(static one => one.Ended)).TotalSeconds;

    /// <summary>Messages handed to subscribers a second, all subscribers together.</summary>
    public double Deliveries => (double)Count * Subscribers.Count / Seconds;
}
