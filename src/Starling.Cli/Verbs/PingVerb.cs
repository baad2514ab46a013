using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Starling.Cli.Verbs;

/// <summary>Measures the round trip to a peer.</summary>
internal sealed class PingVerb : Verb
{
    private const int DefaultCount = 4;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private readonly Argument<Multiaddr> _address = Common.Address();
    private readonly Option<int?> _count = Common.Whole("--count", "N", "How many pings, five a second. Default 4.", 1, 1_000_000);
    private readonly Option<bool> _json = Common.Json("each ping and the summary");

    public PingVerb(Output output)
        : base("ping", "Link with a peer and measure the round trip.", "starling ping 127.0.0.1:4001 --count 10", output)
    {
        Add(_address);
        Add(_count);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var count = arguments.GetValue(_count) ?? DefaultCount;
        var json = arguments.GetValue(_json);
        var setup = new NodeSetup { Connect = [arguments.GetRequiredValue(_address)], Verbose = arguments.GetValue<bool>("--verbose") };
        await using var node = await setup.StartAsync(cancellationToken).ConfigureAwait(false);
        var peer = (await setup.ConnectAsync(node, cancellationToken).ConfigureAwait(false))[0].Peer;

        var times = new List<double>();
        using var pace = new PeriodicTimer(Interval, TimeProvider.System);
        do
        {
            var time = await node.PingAsync(peer, cancellationToken).WaitAsync(Timeout, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            times.Add(time.TotalMilliseconds);
            if (json) Output.Json(line => WritePing(line, peer, times));
            else Output.Line(Invariant($"{peer} {times.Count}: {times[^1]:0.000} ms"));
        }
        while (times.Count < count && await pace.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));

        if (json) Output.Json(line => WriteSummary(line, peer, count, times));
        else Output.Line(Invariant($"{times.Count} of {count} answered: least {times.Min():0.000}, mean {times.Average():0.000}, most {times.Max():0.000}, jitter {Jitter(times):0.000} ms"));
        return Tool.Done;
    }

    /// <summary>The mean difference between one round trip and the next.</summary>
    private static double Jitter(List<double> times) => times.Count < 2 ? 0 : times.Zip(times.Skip(1), (one, next) => Math.Abs(next - one)).Average();

    private static void WritePing(Utf8JsonWriter json, PeerId peer, List<double> times)
    {
        json.WriteString("peer", peer.ToString());
        json.WriteNumber("number", times.Count);
        json.WriteNumber("milliseconds", Math.Round(times[^1], 4));
    }

    private static void WriteSummary(Utf8JsonWriter json, PeerId peer, int count, List<double> times)
    {
        json.WriteString("peer", peer.ToString());
        json.WriteNumber("sent", count);
        json.WriteNumber("received", times.Count);
        json.WriteNumber("least", Math.Round(times.Min(), 4));
        json.WriteNumber("mean", Math.Round(times.Average(), 4));
        json.WriteNumber("most", Math.Round(times.Max(), 4));
        json.WriteNumber("jitter", Math.Round(Jitter(times), 4));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
