using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Starling;

/// <summary>Payloads as UTF-8 JSON by System.Text.Json. Safe for several threads.</summary>
/// <remarks>Give it a <see cref="JsonSerializerContext"/> for trimmed or ahead-of-time compiled programs; <see cref="Default"/> reflects.
/// The depth is bounded to 64, so a hostile payload cannot exhaust the stack.</remarks>
public sealed class JsonPayloadSerializer : IPayloadSerializer
{
    private static readonly JsonWriterOptions WriterOptions = new() { SkipValidation = true };
    private readonly JsonSerializerOptions _options;

    /// <summary>Takes types from generated contexts only; the first that knows a type is used.</summary>
    public JsonPayloadSerializer(params JsonSerializerContext[] contexts)
        : this(new JsonSerializerOptions(JsonSerializerDefaults.Web) { TypeInfoResolver = JsonTypeInfoResolver.Combine([.. contexts]) })
    {
    }

    /// <summary>Takes options as they are. They are made read-only.</summary>
    public JsonPayloadSerializer(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.MakeReadOnly();
        _options = options;
    }

    /// <summary>Web defaults and reflection.</summary>
    public static JsonPayloadSerializer Default { get; } = new(new JsonSerializerOptions(JsonSerializerDefaults.Web) { TypeInfoResolver = Reflection() });

    /// <inheritdoc/>
    public void Serialize<T>(T value, IBufferWriter<byte> output)
    {
        try
        {
            using var writer = new Utf8JsonWriter(output, WriterOptions);
            JsonSerializer.Serialize(writer, value, TypeInfo<T>());
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw new PayloadException($"A value of {typeof(T).Name} cannot be written as JSON: {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public T? Deserialize<T>(ReadOnlySpan<byte> payload)
    {
        try
        {
            return JsonSerializer.Deserialize(payload, TypeInfo<T>());
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw new PayloadException($"{payload.Length} bytes are no JSON of {typeof(T).Name}: {error.Message}", error);
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Trimmed programs give contexts.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Ahead-of-time compiled programs give contexts.")]
    private static DefaultJsonTypeInfoResolver Reflection() => new();

    private JsonTypeInfo<T> TypeInfo<T>() => (JsonTypeInfo<T>)_options.GetTypeInfo(typeof(T));
}
