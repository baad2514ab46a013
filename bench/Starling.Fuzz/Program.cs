// Feeds mutated input to everything that reads what a peer sends, for as long as asked: no crash, no hang, bounded memory.
//   dotnet run -c Release --project bench/Starling.Fuzz -- [--inputs N] [--seed S] [--target NAME]
// A failure prints the target, the seed and the input in hex, and ends with 1; an input that takes ten seconds ends with 2.
using System.Diagnostics;
using System.Globalization;
using Starling;
using Starling.Fuzz;

long Option(string name, long fallback) =>
    Array.IndexOf(args, name) is >= 0 and var at ? long.Parse(args[at + 1], CultureInfo.InvariantCulture) : fallback;

const long MemoryLimit = 256L << 20;
var inputs = Option("--inputs", 1_000_000);
var seed = (ulong)Option("--seed", (long)(RandomSource.System.NextUInt64() >> 1));
var only = Array.IndexOf(args, "--target") is >= 0 and var at ? args[at + 1] : null;
Target[] all = [new MultiaddrBytes(), new MultiaddrText(), new PeerIds(), new PublicKeys(), new Frames(), new IdentifyMessages(), new LinkFrames(), new MdnsPackets(), new SsdpPackets(), new YamuxSessions(), new NoiseHandshakes(), new TopicRpcs(), new RequestFrames(), new MultistreamLines(), new Certificates(), new Messages(), new MessageReplies(), new BlockSubjects(), new HandedOnRecords(), new SpreadTarget(), new ExchangeTarget(), new SearchTarget(), new GossipMessages(), new GossipFiles(), new EnvelopeTarget(), new ReplayTarget(), new GroupFrames(), new AskFrames()];
var targets = all.Where(target => only is null || target.Name == only).ToArray();
if (targets.Length == 0)
{
    Console.Error.WriteLine($"There is no target '{only}'; there are: {string.Join(", ", all.Select(target => target.Name))}.");
    return 1;
}

(string Target, byte[] Input, long Since) current = ("", [], long.MaxValue);
var watch = new Thread(() =>
{
    while (true)
    {
        Thread.Sleep(1000);
        var (name, input, since) = current;
        if (since == long.MaxValue || Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(10)) continue;
        Console.Error.WriteLine($"{name} hangs (seed {seed}) on {Convert.ToHexString(input)}");
        Environment.Exit(2);
    }
})
{ IsBackground = true };
watch.Start();

Console.WriteLine($"{inputs} inputs, seed {seed}");
foreach (var target in targets)
{
    var random = RandomSource.Seeded(seed).Fork(target.Name);
    var mutator = new Mutator(random);
    var started = Stopwatch.GetTimestamp();
    var count = inputs / targets.Length;
    for (var i = 0L; i < count; i++)
    {
        var samples = target.Samples;
        var input = mutator.Mutate(samples[random.Next(samples.Count)], samples[random.Next(samples.Count)]);
        current = (target.Name, input, Stopwatch.GetTimestamp());
        try
        {
            target.Feed(input, random);
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"{target.Name} fails (seed {seed}) on {Convert.ToHexString(input)}: {e}");
            return 1;
        }
    }

    current = ("", [], long.MaxValue);
    var held = GC.GetTotalMemory(forceFullCollection: true);
    Console.WriteLine($"{target.Name,-16} {count,9} inputs  {Stopwatch.GetElapsedTime(started).TotalSeconds,6:f1} s  {held >> 20,4} MiB held");
    if (held <= MemoryLimit) continue;
    Console.Error.WriteLine($"{target.Name} makes the process hold {held >> 20} MiB (seed {seed}).");
    return 1;
}

return 0;
