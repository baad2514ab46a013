using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>Keeps a blocklist in a JSON file; see <see cref="StateFile"/>.</summary>
internal sealed class BlocklistFile(string path, ILogger logger)
{
    private const int Version = 1;
    private readonly StateFile _file = new(path, "blocklist", 256L << 20, logger);

    public IReadOnlyList<BlockEntry> Load() => _file.Load(Parse) ?? [];

    public void Save(IReadOnlyList<BlockEntry> entries) => _file.Save(Format(entries));

    internal static byte[] Format(IReadOnlyList<BlockEntry> entries) =>
        JsonSerializer.SerializeToUtf8Bytes(new BlockFile(Version, [.. entries.Select(entry => new BlockRow(entry.Subject.ToString(), entry.Added, entry.Expires, entry.Note))]), BlockFileJson.Default.BlockFile);

    /// <summary>Reads the file's bytes.</summary>
    /// <exception cref="FormatException">They are no blocklist; the message is part of a sentence.</exception>
    internal static IReadOnlyList<BlockEntry> Parse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var file = JsonSerializer.Deserialize(bytes.Span, BlockFileJson.Default.BlockFile) ?? throw new FormatException("it holds null");
            if (file.Version != Version) throw new FormatException($"it has version {file.Version}, and this program reads version {Version}");
            return [.. file.Entries.Select(row => row?.ToEntry() ?? throw new FormatException("an entry is null"))];
        }
        catch (JsonException error)
        {
            throw new FormatException(error.Message, error);
        }
    }
}

/// <summary>The file.</summary>
internal sealed record BlockFile([property: JsonRequired] int Version, [property: JsonRequired] IReadOnlyList<BlockRow> Entries);

/// <summary>An entry in the file.</summary>
internal sealed record BlockRow([property: JsonRequired] string Subject, DateTimeOffset Added, DateTimeOffset? Expires, string? Note)
{
    public BlockEntry ToEntry() => new(BlockSubject.Parse(Subject), Added, Expires, Note ?? "");
}

[JsonSourceGenerationOptions(
    WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(BlockFile))]
internal sealed partial class BlockFileJson : JsonSerializerContext;
