using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Starling;

/// <summary>A node's side of a controller: registers, waits for the common start, reports. Safe for several threads; blocks none.</summary>
/// <remarks>A controller that cannot be reached, or that is overloaded, is tried again with a growing, jittered pause until the
/// caller's token is cancelled; one that refuses (wrong token, malformed, full) is an error at once.</remarks>
public sealed class ControllerClient : IDisposable
{
    private const int MaxResponseBytes = 16 << 20;
    private readonly ControllerClientOptions _options;
    private readonly HttpClient _http;
    private readonly TimeProvider _clock;
    private readonly RandomSource _random;
    private readonly ILogger _logger;

    /// <summary>Creates a client that has not called yet.</summary>
    /// <param name="options">Where and how; not changed afterwards.</param>
    /// <param name="handler">Carries the calls, for tests and proxies; null makes one. Disposed with the client.</param>
    /// <param name="clock">The clock seam; null is the system's.</param>
    /// <param name="random">The randomness seam; null is the system's.</param>
    /// <param name="logger">Where failures that are tried again are told; null is nowhere.</param>
    /// <exception cref="ArgumentException">An option is wrong.</exception>
    public ControllerClient(ControllerClientOptions options, HttpMessageHandler? handler = null, TimeProvider? clock = null, RandomSource? random = null, ILogger? logger = null)
    {
        OptionProblems.ThrowIfAny(options);
        _options = options;
        _clock = clock ?? TimeProvider.System;
        _random = random ?? RandomSource.System;
        _logger = logger ?? NullLogger.Instance;
        _http = new HttpClient(handler ?? new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10), AllowAutoRedirect = false })
        {
            BaseAddress = new Uri(options.Address!.AbsoluteUri.TrimEnd('/') + "/"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxResponseBytes,
        };
    }

    /// <summary>Registers a node, or renews what is registered of it.</summary>
    /// <exception cref="StarlingException">The controller refuses; the message says why.</exception>
    public Task<ControllerState> RegisterAsync(PeerId peer, ControllerRegistration node, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(node);
        return CallAsync(HttpMethod.Put, $"nodes/{peer}", node, ControllerJson.Default.ControllerRegistration, cancellationToken);
    }

    /// <summary>Registers and waits until the controller says go. Registers again when the controller was restarted or has forgotten the node meanwhile.</summary>
    /// <returns>Every node that starts.</returns>
    /// <exception cref="StarlingException">The controller refuses; the message says why.</exception>
    public async Task<ControllerState> WaitForStartAsync(PeerId peer, ControllerRegistration node, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        await RegisterAsync(peer, node, cancellationToken);
        while (true)
        {
            try
            {
                var state = await CallAsync<object>(HttpMethod.Get, $"start?peer={peer}", null, null, cancellationToken);
                if (state.Started) return state;
            }
            catch (ControllerException unknown) when (unknown.StatusCode == HttpStatusCode.NotFound)
            {
                await RegisterAsync(peer, node, cancellationToken);
            }
        }
    }

    /// <summary>Reports how the node is doing.</summary>
    /// <exception cref="StarlingException">The controller refuses; the message says why.</exception>
    public Task<ControllerState> ReportAsync(PeerId peer, ControllerStatus status, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(status);
        return CallAsync(HttpMethod.Put, $"nodes/{peer}/status", status, ControllerJson.Default.ControllerStatus, cancellationToken);
    }

    /// <summary>Every registered node with its last report.</summary>
    /// <exception cref="StarlingException">The controller refuses; the message says why.</exception>
    public Task<ControllerState> ListAsync(CancellationToken cancellationToken = default) => CallAsync<object>(HttpMethod.Get, "nodes", null, null, cancellationToken);

    /// <summary>Takes a node back out. One that is not registered is no error.</summary>
    /// <exception cref="StarlingException">The controller refuses; the message says why.</exception>
    public Task<ControllerState> LeaveAsync(PeerId peer, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return CallAsync<object>(HttpMethod.Delete, $"nodes/{peer}", null, null, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<ControllerState> CallAsync<T>(HttpMethod method, string path, T? body, JsonTypeInfo<T>? type, CancellationToken cancellationToken)
    {
        for (var failures = 0; ; failures++)
        {
            string why;
            try
            {
                using var time = new CancellationTokenSource(_options.CallTimeout, _clock);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
                using var request = new HttpRequestMessage(method, path);
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await TokenAsync(either.Token));
                if (type is not null) request.Content = JsonContent.Create(body!, type);
                using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, either.Token);
                if (response.IsSuccessStatusCode) return await ReadAsync(response, ControllerJson.Default.ControllerState, either.Token);
                why = (await ReadAsync(response, ControllerJson.Default.ControllerError, either.Token)).Error;
                if (!IsPassing(response.StatusCode)) throw new ControllerException($"The controller at {_options.Address} refuses: {why}", response.StatusCode);
            }
            catch (Exception error) when (error is HttpRequestException or JsonException or NotSupportedException or IOException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                why = error is OperationCanceledException ? $"no answer within {_options.CallTimeout.TotalSeconds:0.#} seconds" : error.Message;
            }

            var pause = _options.FirstPause * Math.Pow(2, Math.Min(failures, 16));
            pause = _random.Jitter(pause < _options.LongestPause ? pause : _options.LongestPause, 0.75, 1.25);
            ControllerLog.Retrying(_logger, _options.Address!, why, pause);
            await Task.Delay(pause, _clock, cancellationToken);
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        await response.Content.ReadFromJsonAsync(type, cancellationToken) ?? throw new JsonException($"the answer ({(int)response.StatusCode}) is not a controller's");

    private static bool IsPassing(HttpStatusCode code) => code is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)code >= 500;

    private async Task<string> TokenAsync(CancellationToken cancellationToken)
    {
        if (_options.Token is { } token) return token;
        if (_options.TokenFile is not { } file) throw new StarlingException("The controller wants a token: set Token or TokenFile.");
        try
        {
            using var reader = new StreamReader(file);
            return (await reader.ReadLineAsync(cancellationToken))?.Trim() is { Length: > 0 } line ? line : throw new StarlingException($"The token file {file} has an empty first line.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StarlingException($"The token file {file} cannot be read: {error.Message}", error);
        }
    }
}

/// <summary>A controller refuses.</summary>
public sealed class ControllerException(string message, HttpStatusCode statusCode) : StarlingException(message)
{
    /// <summary>The status of its answer.</summary>
    public HttpStatusCode StatusCode { get; } = statusCode;
}

/// <summary>What a controller's client logs; ids and names are frozen.</summary>
internal static partial class ControllerLog
{
    [LoggerMessage(9101, LogLevel.Warning, "The controller at {Address} was not reached ({Why}); tried again in {Pause}", EventName = "ControllerRetrying")]
    public static partial void Retrying(ILogger logger, Uri address, string why, TimeSpan pause);
}
