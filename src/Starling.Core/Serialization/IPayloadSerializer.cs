using System.Buffers;

namespace Starling;

/// <summary>Turns values into payloads and back: for topics, messages and requests. Safe for several threads.</summary>
public interface IPayloadSerializer
{
    /// <summary>Writes a value.</summary>
    /// <exception cref="PayloadException">The value cannot be written; the message says why.</exception>
    void Serialize<T>(T value, IBufferWriter<byte> output);

    /// <summary>Reads a value that came from a peer. Null only where <typeparamref name="T"/> allows it.</summary>
    /// <exception cref="PayloadException">The payload is no such value; the message says why.</exception>
    T? Deserialize<T>(ReadOnlySpan<byte> payload);
}

/// <summary>A payload cannot be written or read as the type that was asked for.</summary>
public sealed class PayloadException(string message, Exception? inner = null) : StarlingException(message, inner);
