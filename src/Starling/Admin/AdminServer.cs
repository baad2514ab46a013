using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Starling;

/// <summary>Carries out one command of the admin socket.</summary>
/// <param name="arguments">The whole request, an object.</param>
/// <param name="output">Where to write the result: exactly one JSON value.</param>
/// <param name="cancellationToken">Cancelled when the node stops.</param>
internal delegate ValueTask AdminCommand(JsonElement arguments, Utf8JsonWriter output, CancellationToken cancellationToken);

/// <summary>A node's admin socket: a line of JSON in, a line of JSON out. Bounded, and open to this user alone.</summary>
/// <remarks>A request is an object with <c>command</c> and its arguments. The answer is an object with either <c>result</c> or <c>error</c>.</remarks>
internal sealed class AdminServer : IAsyncDisposable
{
    /// <summary>Bytes of a request, the line feed included.</summary>
    public const int MaxRequestBytes = 64 << 10;

    private const int MaxClients = 16;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(30);
    private readonly Socket _listener;
    private readonly IReadOnlyDictionary<string, AdminCommand> _commands;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _room = new(MaxClients, MaxClients);
    private readonly Task _accepting;

    private AdminServer(string path, Socket listener, IReadOnlyDictionary<string, AdminCommand> commands, TimeProvider clock, ILogger logger)
    {
        (Path, _listener, _commands, _clock, _logger) = (path, listener, commands, clock, logger);
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Where the socket is.</summary>
    public string Path { get; }

    /// <summary>Opens the socket; one that a dead node left behind is replaced.</summary>
    /// <exception cref="StarlingException">It cannot be opened, or another node has it.</exception>
    public static async Task<AdminServer> StartAsync(string path, IReadOnlyDictionary<string, AdminCommand> commands, TimeProvider clock, ILogger logger, CancellationToken cancellationToken)
    {
        AdminSocket.Prepare(path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            if (File.Exists(path))
            {
                if (await AdminSocket.AnswersAsync(path, cancellationToken)) throw new StarlingException($"The admin socket {path} belongs to a node that runs; stop it, or choose another path.");
                if (!IsSocket(path)) throw new StarlingException($"The admin socket {path} cannot be opened: the file there is no socket; choose another path.");
                File.Delete(path);
            }

            listener.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, OwnerOnly); // Before anybody can connect: nobody listens yet.
            listener.Listen(MaxClients);
            return new AdminServer(path, listener, commands, clock, logger);
        }
        catch (Exception error) when (error is SocketException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            listener.Dispose();
            throw new StarlingException($"The admin socket {path} cannot be opened: {error.Message}", error);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose(); // Removes the file as well.
        await _accepting;
        for (var client = 0; client < MaxClients; client++) await _room.WaitAsync();
    }

    private static bool IsSocket(string path) => new FileInfo(path) is { Exists: true, Length: 0, LinkTarget: null };

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _room.WaitAsync(_stopping.Token);
                try
                {
                    var client = await _listener.AcceptAsync(_stopping.Token);
                    _ = Task.Run(() => ServeAsync(client));
                }
                catch
                {
                    _room.Release();
                    throw;
                }
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                if (!_stopping.IsCancellationRequested) FacadeLog.AdminFailed(_logger, error);
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        try
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            var reader = new AdminLines(stream, MaxRequestBytes);
            while (await NextAsync(reader) is { } line)
            {
                await stream.WriteAsync(await AnswerAsync(line), _stopping.Token);
            }
        }
        catch (Exception error) when (error is IOException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
        {
            FacadeLog.AdminClientGone(_logger, error.Message);
        }
        catch (Exception error)
        {
            FacadeLog.AdminFailed(_logger, error);
        }
        finally
        {
            _room.Release();
        }
    }

    private async Task<ReadOnlyMemory<byte>?> NextAsync(AdminLines reader)
    {
        using var idle = new CancellationTokenSource(IdleTime, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, _stopping.Token);
        return await reader.NextAsync(either.Token);
    }

    private async Task<ReadOnlyMemory<byte>> AnswerAsync(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var request = JsonDocument.Parse(line);
            var arguments = request.RootElement;
            if (arguments.ValueKind != JsonValueKind.Object || !arguments.TryGetProperty("command", out var name) || name.ValueKind != JsonValueKind.String)
                return Error("a request is an object with a command");
            if (!_commands.TryGetValue(name.GetString()!, out var command)) return Error($"there is no command {name.GetString()}; there are {string.Join(", ", _commands.Keys.Order(StringComparer.Ordinal))}");

            using var output = new MemoryStream();
            await using (var json = new Utf8JsonWriter(output))
            {
                json.WriteStartObject();
                json.WritePropertyName("result");
                await command(arguments, json, _stopping.Token);
                json.WriteEndObject();
            }

            output.WriteByte((byte)'\n');
            return output.GetBuffer().AsMemory(0, (int)output.Length);
        }
        catch (Exception error) when (error is JsonException or StarlingException or ArgumentException or FormatException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return Error(error.Message);
        }
    }

    private static ReadOnlyMemory<byte> Error(string why)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString("error", why);
            json.WriteEndObject();
        }

        output.WriteByte((byte)'\n');
        return output.ToArray();
    }
}
