using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Starling.Bench;

/// <summary>One measured figure.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">Ours, the median of the runs.</param>
/// <param name="Unit">The unit of the value and the baseline.</param>
/// <param name="Baseline">What it is compared to, or null.</param>
/// <param name="Ratio">Ours to the baseline, the median of the paired runs, or null.</param>
/// <param name="Note">What the reader should know of it, such as why there is no baseline, or null.</param>
public sealed record BenchResult(
    string Name,
    double Value,
    string Unit,
    double? Baseline = null,
    double? Ratio = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note = null)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name,-40} {Value,12:0.####} {Unit,-5}{(Ratio is { } ratio ? $" baseline {Baseline:0.##}, ratio {ratio:0.000}" : string.Empty)}");
}

/// <summary>The figures of one bench.</summary>
/// <param name="Results">In the order in which they were measured.</param>
public sealed record BenchReport(IReadOnlyList<BenchResult> Results)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>The report as one JSON object on one line: <c>{"results":[{"name":…,"value":…,"unit":…,"baseline":…,"ratio":…}]}</c>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);
}
