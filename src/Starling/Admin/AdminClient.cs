using System.Net.Sockets;
using System.Text.Json;

namespace Starling;

/// <summary>Speaks to the admin socket of a node that runs on this machine.</summary>
public static class AdminClient
{
    private const int MaxAnswerBytes = 64 << 20;

    /// <summary>Sends one command and returns its result.</summary>
    /// <param name="path">The node's admin socket.</param>
    /// <param name="command">The command's name, such as <c>peers</c>.</param>
    /// <param name="arguments">Writes the arguments as properties of an object; null writes none.</param>
    /// <param name="cancellationToken">Ends the wait; the command may have been carried out.</param>
    /// <exception cref="StarlingException">No node answers there, or it refuses; the message says why.</exception>
    public static async Task<JsonElement> CallAsync(string path, string command, Action<Utf8JsonWriter>? arguments = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentException.ThrowIfNullOrEmpty(command);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            await using var stream = new NetworkStream(socket);
            await stream.WriteAsync(Request(command, arguments), cancellationToken);
            var line = await new AdminLines(stream, MaxAnswerBytes).NextAsync(cancellationToken) ?? throw new StarlingException($"The node at {path} ended without an answer.");
            using var answer = JsonDocument.Parse(line);
            if (answer.RootElement.TryGetProperty("error", out var error)) throw new StarlingException(error.GetString() ?? "The node refuses and does not say why.");
            return answer.RootElement.GetProperty("result").Clone();
        }
        catch (Exception error) when (error is SocketException or ArgumentException or IOException or InvalidDataException or JsonException)
        {
            throw new StarlingException($"No node answers at the admin socket {path}: {error.Message}", error);
        }
    }

    private static ReadOnlyMemory<byte> Request(string command, Action<Utf8JsonWriter>? arguments)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString("command", command);
            arguments?.Invoke(json);
            json.WriteEndObject();
        }

        output.WriteByte((byte)'\n');
        return output.ToArray();
    }
}
