using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Starling.Web.Tests;

/// <summary>A collector of our own stands in for any that speaks OTLP.</summary>
public sealed class TelemetryTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(OtlpProtocol.Http, "/v1/")]
    [InlineData(OtlpProtocol.Grpc, "/opentelemetry.proto.collector.")]
    public async Task One_option_exports_metrics_and_traces(OtlpProtocol protocol, string path)
    {
        await using var collector = await Collector.StartAsync(protocol);
        var options = new StarlingOptions { Telemetry = new TelemetryOptions { Otlp = collector.Address, Protocol = protocol, Interval = TimeSpan.FromHours(1), ServiceName = "flock" } };
        var node = await StarlingNode.StartAsync(options, Cancelled);
        await using var other = await StarlingNode.StartAsync(cancellationToken: Cancelled);
        await node.ConnectAsync(other.Addresses[0], Cancelled);
        using var echo = other.HandleRequest("echo", (context, _) => new ValueTask<ReadOnlyMemory<byte>>(context.Payload));
        await node.RequestAsync(other.PeerId, "echo", cancellationToken: Cancelled);
        await node.DisposeAsync(); // Exports what is left.

        var bodies = collector.Received.ToList();
        Assert.All(bodies, one => Assert.StartsWith(path, one.Path, StringComparison.Ordinal));
        var metrics = bodies.Where(one => one.Body.Contains("starling.links.opened", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(metrics);
        Assert.All(metrics, one => Assert.Contains(node.PeerId.ToString(), one.Body, StringComparison.Ordinal));
        Assert.Contains("flock", metrics[0].Body, StringComparison.Ordinal);
        Assert.Contains(bodies, one => one.Path.Contains("trace", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_collector_that_is_away_does_not_hold_the_node_up()
    {
        var options = new StarlingOptions { Telemetry = new TelemetryOptions { Otlp = "http://127.0.0.1:9" } };
        var node = await StarlingNode.StartAsync(options, Cancelled).WaitAsync(Patience);
        await node.DisposeAsync().AsTask().WaitAsync(Patience);
    }

    private sealed class Collector(WebApplication app) : IAsyncDisposable
    {
        public ConcurrentQueue<(string Path, string Body)> Received { get; } = new();

        public string Address => app.Urls.First();

        public static async Task<Collector> StartAsync(OtlpProtocol protocol)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(server => server.Listen(System.Net.IPAddress.Loopback, 0, listener =>
                listener.Protocols = protocol == OtlpProtocol.Grpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
            var app = builder.Build();
            var collector = new Collector(app);
            app.MapPost("/{**path}", collector.TakeAsync);
            await app.StartAsync(Cancelled);
            return collector;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private async Task TakeAsync(HttpContext context)
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            Received.Enqueue((context.Request.Path, Encoding.Latin1.GetString(body.ToArray())));
            if (context.Request.Protocol != "HTTP/2") return;
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(new byte[5], context.RequestAborted); // An empty message: nothing was refused.
            context.Response.AppendTrailer("grpc-status", "0");
        }
    }
}
