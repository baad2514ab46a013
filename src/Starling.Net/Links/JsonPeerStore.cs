using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>Keeps a peer book in a JSON file: replaced whole at each save, mode 0600. A damaged file is set aside as <c>FILE.damaged</c> and logged.</summary>
/// <remarks>A process that is killed while it saves leaves the file as it was before. One node per file.</remarks>
public sealed class JsonPeerStore : IPeerStore
{
    /// <summary>The most bytes that a file may have: 1,048,576 peers would take more, and no node keeps so many in a file.</summary>
    public const long MaxFileBytes = 256L << 20;

    private const int Version = 1;
    private readonly StateFile _file;

    /// <summary>Names the file; nothing is touched before <see cref="LoadAsync"/>.</summary>
    public JsonPeerStore(string path, ILogger? logger = null) => _file = new StateFile(path, "peer book", MaxFileBytes, logger ?? NullLogger.Instance);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<PeerEntry>> LoadAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(_file.Load(Parse) ?? []);

    /// <inheritdoc/>
    public ValueTask SaveAsync(IReadOnlyList<PeerEntry> peers, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _file.Save(Format(peers));
        return ValueTask.CompletedTask;
    }

    /// <summary>The file's bytes.</summary>
    internal static byte[] Format(IReadOnlyList<PeerEntry> peers) =>
        JsonSerializer.SerializeToUtf8Bytes(new PeerFile(Version, [.. peers.Select(PeerRow.From)]), PeerFileJson.Default.PeerFile);

    /// <summary>Reads the file's bytes.</summary>
    /// <exception cref="FormatException">They are no peer book; the message is part of a sentence.</exception>
    internal static IReadOnlyList<PeerEntry> Parse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var file = JsonSerializer.Deserialize(bytes.Span, PeerFileJson.Default.PeerFile) ?? throw new FormatException("it holds null");
            if (file.Version != Version) throw new FormatException($"it has version {file.Version}, and this program reads version {Version}");
            return [.. file.Peers.Select(row => row?.ToEntry() ?? throw new FormatException("a peer is null"))];
        }
        catch (JsonException error)
        {
            throw new FormatException(error.Message, error);
        }
    }
}

/// <summary>The file.</summary>
internal sealed record PeerFile([property: JsonRequired] int Version, [property: JsonRequired] IReadOnlyList<PeerRow> Peers);

/// <summary>A peer in the file.</summary>
internal sealed record PeerRow(
    [property: JsonRequired] string Id,
    bool Static,
    bool Neighbour,
    DateTimeOffset? Seen,
    int Failures,
    DateTimeOffset? Died,
    ulong Sequence,
    byte[]? Record,
    IReadOnlyList<AddressRow>? Addresses)
{
    public static PeerRow From(PeerEntry peer) => new(
        peer.Peer.ToString(), peer.IsStatic, peer.IsNeighbour, peer.LastSeen, peer.Failures, peer.Died, peer.RecordSequence,
        peer.SignedRecord.IsEmpty ? null : peer.SignedRecord.ToArray(),
        peer.Addresses.Count == 0 ? null : [.. peer.Addresses.Select(address => new AddressRow(address.Address.ToString(), address.Source, address.Heard, address.Succeeded, address.IsPinned))]);

    public PeerEntry ToEntry() => new(PeerId.Parse(Id), [.. (Addresses ?? []).Select(row => row?.ToAddress() ?? throw new FormatException($"an address of {Id} is null"))], Static, Seen, Math.Max(Failures, 0), Died is not null)
    {
        IsNeighbour = Neighbour,
        Died = Died,
        RecordSequence = Sequence,
        SignedRecord = Record,
    };
}

/// <summary>An address in the file.</summary>
internal sealed record AddressRow([property: JsonRequired] string Address, AddressSource Source, DateTimeOffset Heard, DateTimeOffset? Succeeded, bool Pinned = false)
{
    public PeerAddress ToAddress() =>
        Enum.IsDefined(Source) ? new(Multiaddr.Parse(Address), Source, Heard, Succeeded) { IsPinned = Pinned } : throw new FormatException($"{Address} has the unknown source {Source}");
}

[JsonSourceGenerationOptions(
    WriteIndented = true, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(PeerFile))]
internal sealed partial class PeerFileJson : JsonSerializerContext;
