using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Starling.Net;

namespace Starling;

/// <summary>Exports a process's Starling metrics and traces to an OTLP collector for as long as a node runs.</summary>
internal sealed class TelemetryExport : IAsyncDisposable
{
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(5);
    private readonly MeterProvider _meters;
    private readonly TracerProvider _traces;

    private TelemetryExport(TelemetryOptions options, PeerId peer)
    {
        var resource = ResourceBuilder.CreateEmpty().AddService(options.ServiceName, serviceVersion: typeof(StarlingNode).Assembly.GetName().Version?.ToString(3), autoGenerateServiceInstanceId: false, serviceInstanceId: peer.ToString());
        _meters = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter("Starling.*")
            .AddOtlpExporter((exporter, reader) =>
            {
                Configure(exporter, options, "metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)options.Interval.TotalMilliseconds;
            })
            .Build();
        _traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource(Tracing.SourceName)
            .AddOtlpExporter(exporter => Configure(exporter, options, "traces"))
            .Build();
    }

    /// <summary>Begins to export, or returns null where nothing is to be exported.</summary>
    public static TelemetryExport? Start(TelemetryOptions options, PeerId peer) => options.Otlp is null ? null : new TelemetryExport(options, peer);

    /// <summary>Exports what is left, for five seconds at most, and ends.</summary>
    public async ValueTask DisposeAsync() => await Task.WhenAll(Task.Run(() => End(_meters)), Task.Run(() => End(_traces)));

    private static void End(BaseProvider provider)
    {
        var time = (int)FlushTime.TotalMilliseconds;
        if (provider is MeterProvider meters) meters.Shutdown(time);
        else ((TracerProvider)provider).Shutdown(time);
        provider.Dispose();
    }

    private static void Configure(OtlpExporterOptions exporter, TelemetryOptions options, string signal)
    {
        var collector = new Uri(options.Otlp!);
        var isHttp = options.Protocol == OtlpProtocol.Http;
        exporter.Protocol = isHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
        exporter.Endpoint = isHttp ? new Uri($"{collector.AbsoluteUri.TrimEnd('/')}/v1/{signal}") : collector;
        exporter.TimeoutMilliseconds = (int)FlushTime.TotalMilliseconds;
    }
}
