using System.Diagnostics.Metrics;

namespace Starling.Net.Transport;

/// <summary>The metrics of a node's budget, meter <c>Starling.Budget</c>: read when somebody looks. One per node. No tag names a peer.</summary>
public sealed class BudgetMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Starling.Budget";

    private static readonly ResourceKind[] Kinds = Enum.GetValues<ResourceKind>();
    private static readonly ResourceLevel[] Levels = Enum.GetValues<ResourceLevel>();
    private readonly Meter _meter;

    /// <summary>Creates the instruments in the factory's meter, or in a meter of its own.</summary>
    public BudgetMetrics(ResourceBudget budget, IMeterFactory? factory = null)
    {
        ArgumentNullException.ThrowIfNull(budget);
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _meter.CreateObservableUpDownCounter(
            "starling.budget.used", () => Kinds.Select(kind => new Measurement<long>(budget.Used(kind), Tag("kind", kind))), "{unit}", "What is in use, by kind: handshakes, links, streams, bytes.");
        _meter.CreateObservableUpDownCounter(
            "starling.budget.limit", () => Kinds.Select(kind => new Measurement<long>(budget.Limit(kind), Tag("kind", kind))), "{unit}", "The node's limits, by kind.");
        _meter.CreateObservableCounter(
            "starling.budget.refused",
            () => from kind in Kinds from level in Levels select new Measurement<long>(budget.Refused(kind, level), Tag("kind", kind), Tag("level", level)),
            "{refusal}",
            "What was refused, by kind and by whose limit: the node's, a peer's, an address's.");
        _meter.CreateObservableUpDownCounter("starling.budget.scopes", () => (long)budget.ScopeCount, "{scope}", "Peers and addresses that are counted apart.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Tag<T>(string name, T value) => new(name, value?.ToString());
}
