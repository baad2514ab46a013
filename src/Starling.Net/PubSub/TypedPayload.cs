using System.Buffers;

namespace Starling.Net.PubSub;

/// <summary>Values to payloads and back. Raw bytes are payloads as they are, whatever the serializer.</summary>
internal static class TypedPayload
{
    public static ReadOnlyMemory<byte> Write<T>(IPayloadSerializer serializer, T value)
    {
        switch (value)
        {
            case byte[] bytes: return bytes;
            case ReadOnlyMemory<byte> memory: return memory;
            case Memory<byte> memory: return memory;
        }

        var output = new ArrayBufferWriter<byte>();
        serializer.Serialize(value, output);
        return output.WrittenMemory;
    }

    /// <exception cref="PayloadException">The payload is no such value; a null is none either.</exception>
    public static T Read<T>(IPayloadSerializer serializer, ReadOnlyMemory<byte> payload)
    {
        if (typeof(T) == typeof(byte[])) return (T)(object)payload.ToArray();
        if (typeof(T) == typeof(ReadOnlyMemory<byte>)) return (T)(object)payload;
        T? value;
        try
        {
            value = serializer.Deserialize<T>(payload.Span);
        }
        catch (Exception error) when (error is not PayloadException)
        {
            // A converter of the user's may throw anything; it is this payload's fault all the same.
            throw new PayloadException($"{payload.Length} bytes are no {typeof(T).Name}: {error.Message}", error);
        }

        return value ?? throw new PayloadException($"The payload is null where a {typeof(T).Name} is expected.");
    }
}
