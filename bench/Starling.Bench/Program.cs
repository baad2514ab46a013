using System.Globalization;
using Starling;
using Starling.Bench;
using Starling.Bench.PubSub.Ends;
using Starling.Protocols.Tests.Yamux;

switch (args.FirstOrDefault())
{
    case "transport":
        var report = await TransportBench.RunAsync(new TransportBenchOptions
        {
            Only = args.SkipWhile(static arg => arg != "--only").Skip(1).FirstOrDefault(),
            Progress = static result => Console.Error.WriteLine(result),
        });
        if (args.Contains("--json")) Console.WriteLine(report.ToJson());
        return 0;
    case "request":
        var requests = await RequestBench.RunAsync(new RequestBenchOptions
        {
            Only = args.SkipWhile(static arg => arg != "--only").Skip(1).FirstOrDefault(),
            Progress = static result => Console.Error.WriteLine(result),
        });
        if (args.Contains("--json")) Console.WriteLine(requests.ToJson());
        return 0;
    case "pubsub":
        var topics = await PubSubBench.RunAsync(new PubSubBenchOptions
        {
            EndVerb = ["pubsub-end"],
            Only = args.SkipWhile(static arg => arg != "--only").Skip(1).FirstOrDefault(),
            Progress = static result => Console.Error.WriteLine(result),
        });
        if (args.Contains("--json")) Console.WriteLine(topics.ToJson());
        return 0;
    case "pubsub-end":
        await BenchEnd.RunAsync(args[1], Console.In, Console.Out);
        return 0;
    case "fuzz":
        var count = args.Length > 1 ? long.Parse(args[1], CultureInfo.InvariantCulture) : 1_000_000;
        var seed = args.Length > 2 ? ulong.Parse(args[2], CultureInfo.InvariantCulture) : RandomSource.System.NextUInt64();
        Console.Error.WriteLine($"{count} yamux sessions, seed {seed}");
        YamuxFuzzer.Run(count, seed);
        return 0;
    case "soak":
        var seconds = args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 60;
        await Soak.RunAsync(TimeSpan.FromSeconds(seconds), args.Length > 2 ? ulong.Parse(args[2], CultureInfo.InvariantCulture) : 1);
        return 0;
    default:
        Console.Error.WriteLine("""
            transport [--json] [--only NAME]   what a link costs over a bare SslStream
            request [--json] [--only NAME]     what a request costs between two nodes
            pubsub [--json] [--only NAME]      topics between processes, beside nats-server
            fuzz [COUNT] [SEED]                mutated yamux sessions; a million by default
            soak [SECONDS] [SEED]              links under random use, every byte checked; a minute by default
            """);
        return 2;
}
