namespace Starling;

public sealed partial class StarlingOptions
{
    /// <summary>Where metrics and traces are exported to.</summary>
    public TelemetryOptions Telemetry { get; set; } = new();
}

/// <summary>Where metrics and traces are exported to.</summary>
public sealed class TelemetryOptions : ICheckedOptions
{
    /// <summary>The OTLP collector, such as <c>http://127.0.0.1:4317</c>. Default null: nothing is exported; <c>dotnet-counters</c> and a host's own exporters see the same meters.</summary>
    /// <remarks>Exports every meter named <c>Starling.*</c> and the activity source <c>Starling</c> of the whole process. A collector that is away loses samples, never the node.</remarks>
    public string? Otlp { get; set; }

    /// <summary>How the collector is spoken to. Default <see cref="OtlpProtocol.Grpc"/>, customary on port 4317; <see cref="OtlpProtocol.Http"/> is on 4318.</summary>
    public OtlpProtocol Protocol { get; set; }

    /// <summary>Time between two exports of the metrics. Default 10 seconds, more than zero.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The service's name in the collector. Default <c>starling</c>; at most 64 characters. The instance is the peer id.</summary>
    public string ServiceName { get; set; } = "starling";

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        if (Otlp is not null && !(Uri.TryCreate(Otlp, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")) problems.Add(nameof(Otlp), Otlp, "is no address of a collector", "write it like http://127.0.0.1:4317");
        if (!Enum.IsDefined(Protocol)) problems.Add(nameof(Protocol), Protocol, "is no protocol", "use Grpc or Http");
        problems.Positive(Interval, nameof(Interval));
        if (ServiceName.Length == 0) problems.Add(nameof(ServiceName), ServiceName, "is empty", "give it a name");
        problems.Text(ServiceName, 64, nameof(ServiceName));
    }
}

/// <summary>How an OTLP collector is spoken to.</summary>
public enum OtlpProtocol
{
    /// <summary>gRPC over HTTP/2.</summary>
    Grpc,

    /// <summary>Protobuf over HTTP/1.1, at <c>v1/metrics</c> and <c>v1/traces</c> below the address.</summary>
    Http,
}
