using System.Diagnostics;
using Starling.Bench.PubSub.Ends;

namespace Starling.Bench.PubSub;

/// <summary>One system under comparison: a publisher, some subscribers, each a process. Disposing ends them.</summary>
internal sealed class BenchSystem : IAsyncDisposable
{
    private readonly List<EndProcess> _all = [];
    private readonly List<EndProcess> _subscribers = [];
    private readonly HashSet<(string Topic, int Subscriber)> _subscribed = [];
    private EndProcess? _publisher;

    private EndProcess Publisher => _publisher ?? throw new InvalidOperationException("The system has not started.");

    /// <summary>Starts Starling nodes; the publisher dials each subscriber.</summary>
    public static Task<BenchSystem> StartStarlingAsync(PubSubBenchOptions options, int subscribers, CancellationToken cancellationToken) =>
        StartAsync(() => EndProcess.StartAsync(options.EndVerb, "starling", cancellationToken), host: null, subscribers, cancellationToken);

    /// <summary>Starts a nats-server with clients.</summary>
    public static Task<BenchSystem> StartNatsAsync(PubSubBenchOptions options, int subscribers, CancellationToken cancellationToken) =>
        StartAsync(
            () => EndProcess.StartAsync(options.EndVerb, "nats", cancellationToken),
            () => EndProcess.StartAsync(options.EndVerb, "nats-host", cancellationToken),
            subscribers,
            cancellationToken);

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
            var server = host is null ? null : await system.AddAsync(host);
            system._publisher = await system.AddAsync(start);
            if (server is not null) await system._publisher.AskAsync($"connect {server.Address}", cancellationToken);
            for (var i = 0; i < subscribers; i++)
            {
                var subscriber = await system.AddAsync(start);
                system._subscribers.Add(subscriber);
                await (server is null ? system._publisher.AskAsync($"connect {subscriber.Address}", cancellationToken) : subscriber.AskAsync($"connect {server.Address}", cancellationToken));
            }

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
    public async Task<SystemRun> RunAsync(string topic, int subscribers, int count, int size, bool paced, CancellationToken cancellationToken)
    {
        var readers = _subscribers.Take(subscribers).ToArray();
        for (var i = 0; i < subscribers; i++)
        {
            if (_subscribed.Add((topic, i))) await readers[i].AskAsync($"subscribe {topic}", cancellationToken);
        }

        await Publisher.AskAsync($"wait {topic} {subscribers}", cancellationToken);
        var what = $"{topic} {count} {size} {(paced ? "paced" : "full")}";
        foreach (var reader in readers) await reader.AskAsync($"receive {what}", cancellationToken);
        await Publisher.TellAsync($"publish {what}");
        Task<string>[] answers = [Publisher.AnswerAsync(cancellationToken), .. readers.Select(reader => reader.AnswerAsync(cancellationToken))];
        await foreach (var answer in Task.WhenEach(answers)) await answer;
        var figures = await Task.WhenAll(answers);
        return new SystemRun(count, RunFigures.Parse(figures[0]), [.. figures.Skip(1).Select(RunFigures.Parse)]);
    }

    /// <summary>What a signature costs in the publisher's process.</summary>
    public async Task<SignatureCost> SignaturesAsync(int size, CancellationToken cancellationToken) =>
        SignatureCost.Parse(await Publisher.AskAsync($"signatures {size}", cancellationToken));

    /// <summary>Ends with its publisher, so that nobody reports a lost connection to one that is still there.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var end in Enumerable.Reverse(_all)) await end.DisposeAsync();
    }

    private async Task<EndProcess> AddAsync(Func<Task<EndProcess>> start)
    {
        var end = await start();
        _all.Add(end);
        return end;
    }
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
