using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Starling.Web;

/// <summary>An HTTP start barrier: nodes register and wait, and when the expected number is there all of them may go. Also lists them with what they report.</summary>
/// <remarks>Every call shows a token. Nothing that a node sends is trusted: it is bounded, checked, and shown as text. Safe for several threads.
/// The wire is <c>docs/controller.md</c>.</remarks>
public sealed class Controller : IAsyncDisposable
{
    private const int MaxBodyBytes = 64 << 10;
    private const int MaxAddresses = 64;
    private const int MaxAddressLength = 512;
    private readonly ControllerOptions _options;
    private readonly byte[] _token;
    private readonly StartBarrier _barrier;
    private readonly WebApplication _app;
    private readonly TimeProvider _clock;
    private readonly Meter _meter = new("Starling.Controller");
    private readonly Counter<long> _calls;

    private Controller(ControllerOptions options, ILoggerProvider? logs, TimeProvider clock)
    {
        (_options, _clock) = (options, clock);
        _token = Encoding.ASCII.GetBytes(options.Token);
        _barrier = new StartBarrier(options, clock);
        _calls = _meter.CreateCounter<long>("starling.controller.calls", "{call}", "Calls, by operation and outcome.");
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });
        builder.Logging.ClearProviders();
        if (logs is not null) builder.Logging.AddProvider(logs);
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = MaxBodyBytes;
            server.Limits.MaxConcurrentConnections = (long)options.MaxRegistrations * 2;
            server.Listen(options.Listen, listener =>
            {
                if (options.Certificate is { } certificate) listener.UseHttps(certificate);
            });
        });
        if (options.Certificate is not null) builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ControllerJson.Default));
        _app = builder.Build();
        Map();
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Completes at the start.</summary>
    public Task Started => _barrier.Started;

    /// <summary>Who is registered, and how far the start is.</summary>
    public ControllerState State => _barrier.State(withNodes: true);

    /// <summary>Starts a controller.</summary>
    /// <param name="options">Its bounds and its token; not changed afterwards.</param>
    /// <param name="logs">Where it logs; null is nowhere. Stays the caller's.</param>
    /// <param name="clock">The clock seam; null is the system's.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="ArgumentException">An option is wrong.</exception>
    /// <exception cref="StarlingException">It cannot listen; the message says why.</exception>
    public static async Task<Controller> StartAsync(ControllerOptions options, ILoggerProvider? logs = null, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        OptionProblems.ThrowIfAny(options);
        var controller = new Controller(options, logs, clock ?? TimeProvider.System);
        try
        {
            await controller._app.StartAsync(cancellationToken);
            return controller;
        }
        catch (IOException error)
        {
            await controller.DisposeAsync();
            throw new StarlingException($"The controller cannot listen on {options.Listen}: {error.Message}", error);
        }
    }

    /// <summary>Answers what is under way and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _meter.Dispose();
    }

    private void Map()
    {
        _app.Use(AuthenticateAsync);
        _app.MapPut("/nodes/{peer}", RegisterAsync);
        _app.MapPut("/nodes/{peer}/status", ReportAsync);
        _app.MapDelete("/nodes/{peer}", (string peer) => Call("leave", peer, id =>
        {
            _barrier.Remove(id);
            return Ok();
        }));
        _app.MapGet("/nodes", () => Count("list", Results.Json(_barrier.State(withNodes: true), ControllerJson.Default.ControllerState)));
        _app.MapGet("/start", WaitAsync);
        _app.MapFallback(() => Count("unknown", Refuse(StatusCodes.Status404NotFound, "there is no such call; see docs/controller.md")));
    }

    private async Task AuthenticateAsync(HttpContext context, RequestDelegate next)
    {
        const string scheme = "Bearer ";
        var shown = context.Request.Headers.Authorization.ToString();
        var valid = shown.StartsWith(scheme, StringComparison.Ordinal) && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(shown[scheme.Length..]), _token);
        if (valid)
        {
            await next(context);
            return;
        }

        context.Response.Headers.WWWAuthenticate = "Bearer";
        await Count("authenticate", Refuse(StatusCodes.Status401Unauthorized, "the token is missing or wrong")).ExecuteAsync(context);
    }

    private async Task<IResult> RegisterAsync(string peer, HttpContext context)
    {
        var node = await ReadAsync(context, ControllerJson.Default.ControllerRegistration);
        if (node.Value is not { } registration) return Count("register", node.Refusal!);
        return Call("register", peer, id => Mistake(registration) is { } mistake ? Refuse(StatusCodes.Status400BadRequest, mistake)
            : _barrier.TryRegister(id, registration) ? Ok()
            : Refuse(StatusCodes.Status409Conflict, $"{_options.MaxRegistrations} nodes are registered, the most that is allowed (MaxRegistrations)"));
    }

    private async Task<IResult> ReportAsync(string peer, HttpContext context)
    {
        var read = await ReadAsync(context, ControllerJson.Default.ControllerStatus);
        if (read.Value is not { } status) return Count("report", read.Refusal!);
        return Call("report", peer, id => status switch
        {
            { State: null or { Length: 0 or > 64 } } => Refuse(StatusCodes.Status400BadRequest, "state must have 1 to 64 characters"),
            { Detail.Length: > 1024 } => Refuse(StatusCodes.Status400BadRequest, "detail may have at most 1024 characters"),
            _ => _barrier.TryTouch(id, status) ? Ok() : Unregistered(id),
        });
    }

    /// <summary>Waits for the start, but no longer than a long poll; the node counts as heard when the wait begins and ends.</summary>
    private async Task<IResult> WaitAsync(string? peer, HttpContext context)
    {
        if (!PeerId.TryParse(peer ?? "", out var id, out var error)) return Count("wait", Refuse(StatusCodes.Status400BadRequest, $"peer is no peer id: {error}"));
        if (!_barrier.TryTouch(id)) return Count("wait", Unregistered(id));
        try
        {
            await _barrier.Started.WaitAsync(_options.LongPoll, _clock, context.RequestAborted);
        }
        catch (TimeoutException)
        {
            _barrier.TryTouch(id);
        }
        catch (OperationCanceledException)
        {
            return Count("wait", Results.StatusCode(StatusCodes.Status499ClientClosedRequest));
        }

        return Count("wait", Results.Json(_barrier.State(_barrier.Started.IsCompleted), ControllerJson.Default.ControllerState));
    }

    private static async Task<(T? Value, IResult? Refusal)> ReadAsync<T>(HttpContext context, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted) is { } value
                ? (value, null)
                : (null, Refuse(StatusCodes.Status400BadRequest, "the body is null"));
        }
        catch (JsonException error)
        {
            return (null, Refuse(StatusCodes.Status400BadRequest, $"the body is not the JSON of {type.Type.Name}: {error.Message}"));
        }
        catch (BadHttpRequestException error)
        {
            return (null, Refuse(error.StatusCode, error.Message));
        }
    }

    private static string? Mistake(ControllerRegistration node) => node switch
    {
        { Name.Length: > 64 } => "name may have at most 64 characters",
        { Addresses: null } => "addresses are missing",
        { Addresses.Count: > MaxAddresses } => $"there may be at most {MaxAddresses} addresses",
        _ => node.Addresses.Select(Mistake).FirstOrDefault(mistake => mistake is not null),
    };

    private static string? Mistake(string address)
    {
        if (address is null || address.Length > MaxAddressLength) return $"an address has 1 to {MaxAddressLength} characters";
        return Multiaddr.TryParse(address, out _, out var error) ? null : $"an address cannot be read: {error}";
    }

    private IResult Call(string operation, string peer, Func<PeerId, IResult> act) =>
        Count(operation, PeerId.TryParse(peer, out var id, out var error) ? act(id) : Refuse(StatusCodes.Status400BadRequest, $"the path names no peer: {error}"));

    private IResult Ok() => Results.Json(_barrier.State(withNodes: false), ControllerJson.Default.ControllerState);

    private static IResult Unregistered(PeerId peer) => Refuse(StatusCodes.Status404NotFound, $"{peer} is not registered, or was silent for too long; register first");

    private static IResult Refuse(int status, string why) => Results.Json(new ControllerError(why), ControllerJson.Default.ControllerError, statusCode: status);

    private IResult Count(string operation, IResult result)
    {
        var status = (result as IStatusCodeHttpResult)?.StatusCode ?? StatusCodes.Status200OK;
        _calls.Add(1, new KeyValuePair<string, object?>("operation", operation), new KeyValuePair<string, object?>("outcome", status));
        return result;
    }
}
