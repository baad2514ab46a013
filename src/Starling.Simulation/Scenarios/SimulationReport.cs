using System.Globalization;
using System.Text.Json;

namespace Starling.Simulation;

/// <summary>What became of a run. The same for the same options, whatever the machine.</summary>
public sealed class SimulationReport
{
    private SimulationReport(SimulatedNetwork network, string scenario)
    {
        Scenario = scenario;
        Options = network.Options;
        Phases = [.. network.Phases];
        Counters = network.Counters;
        Time = network.Simulation.Elapsed;
        Events = network.Simulation.Events;
        TraceHash = network.Simulation.TraceHash;
        NodesUp = network.Nodes.Count(node => node.IsUp);
        var measured = new SimulationPhase("all", isMeasured: true, TimeSpan.Zero);
        foreach (var phase in Phases.Where(phase => phase.IsMeasured)) measured.Add(phase);
        Measured = measured;
    }

    /// <summary>What was played.</summary>
    public string Scenario { get; }

    /// <summary>What the network was like.</summary>
    public SimulationOptions Options { get; }

    /// <summary>The stretches of the run.</summary>
    public IReadOnlyList<SimulationPhase> Phases { get; }

    /// <summary>All measured stretches together.</summary>
    public SimulationPhase Measured { get; }

    /// <summary>What the links have carried, from the beginning.</summary>
    public NetworkCounters Counters { get; }

    /// <summary>Virtual time that passed.</summary>
    public TimeSpan Time { get; }

    /// <summary>Events that happened.</summary>
    public long Events { get; }

    /// <summary>A digest of the run, equal for equal runs.</summary>
    public ulong TraceHash { get; }

    /// <summary>Nodes that were up in the end.</summary>
    public int NodesUp { get; }

    /// <summary>Reports a run, whatever it has come to.</summary>
    /// <param name="network">Which.</param>
    /// <param name="scenario">What was played.</param>
    public static SimulationReport Of(SimulatedNetwork network, string scenario)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(scenario);
        return new SimulationReport(network, scenario);
    }

    /// <summary>The report as one JSON object: first <c>delivery</c>, <c>latencyMs</c>, <c>copiesPerMessage</c>, <c>nodes</c> and <c>seed</c>.</summary>
    /// <param name="machineTime">How long the machine took, when that is to be in it.</param>
    /// <param name="machineBytes">What memory it took.</param>
    public string ToJson(TimeSpan? machineTime = null, long? machineBytes = null) => JsonSerializer.Serialize(
        new
        {
            delivery = Measured.Delivery,
            latencyMs = Latencies(Measured),
            copiesPerMessage = Math.Round(Measured.CopiesPerMessage, 3),
            nodes = Options.Nodes,
            seed = Options.Seed,
            scenario = Scenario,
            messages = Measured.Messages,
            expected = Measured.Expected,
            delivered = Measured.Delivered,
            repeated = Phases.Sum(phase => phase.Repeated),
            longestMs = Math.Round(Measured.Latency.Longest.TotalMilliseconds, 3),
            links = Options.Links,
            latency = Options.Latency.Description,
            loss = Options.Loss.Description,
            bandwidth = Options.Bandwidth?.Description,
            nodesUp = NodesUp,
            virtualSeconds = Time.TotalSeconds,
            events = Events,
            traceHash = TraceHash.ToString("x16", CultureInfo.InvariantCulture),
            frames = new { data = Counters.Data, control = Counters.Control, bytes = Counters.Bytes, shed = Counters.Shed, lost = Counters.Lost },
            phases = Phases.Where(phase => phase.Messages > 0).Select(phase => new
            {
                name = phase.Name,
                measured = phase.IsMeasured,
                messages = phase.Messages,
                delivery = phase.Delivery,
                latencyMs = Latencies(phase),
                copiesPerMessage = Math.Round(phase.CopiesPerMessage, 3),
            }),
            machineSeconds = machineTime?.TotalSeconds,
            machineBytes,
        });

    private static object Latencies(SimulationPhase phase) => new { p50 = Milliseconds(phase, 0.5), p95 = Milliseconds(phase, 0.95), p99 = Milliseconds(phase, 0.99) };

    private static double Milliseconds(SimulationPhase phase, double share) => Math.Round(phase.Latency.Percentile(share).TotalMilliseconds, 3);
}
