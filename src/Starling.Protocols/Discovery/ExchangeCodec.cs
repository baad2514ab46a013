using System.Diagnostics.CodeAnalysis;
using Starling.Protocols.Links;
using Starling.Protocols.PubSub;

namespace Starling.Protocols.Discovery;

/// <summary>What a message of peer exchange is for.</summary>
public enum ExchangeKind
{
    /// <summary>Tell me peers; answered by <see cref="List"/> on the same stream.</summary>
    Request = 1,

    /// <summary>Peers, the sender itself first.</summary>
    List = 2,

    /// <summary>I am refreshing now: you may postpone your turn.</summary>
    Refreshing = 3,
}

/// <summary>A message of peer exchange.</summary>
/// <param name="Kind">What it is for.</param>
/// <param name="Max">Of a request: how many records are wanted.</param>
/// <param name="Records">Of a list: envelopes of signed peer records (RFC 0002 and 0003), not verified.</param>
public sealed record ExchangeMessage(ExchangeKind Kind, int Max = 0, IReadOnlyList<ReadOnlyMemory<byte>>? Records = null);

/// <summary>Messages of <c>/starling/peer-exchange/1.0.0</c>: protobuf behind a varint length, one or two on a stream.</summary>
/// <remarks><code>message Exchange { uint32 kind = 1; uint32 max = 2; repeated bytes records = 3; }</code></remarks>
public static class ExchangeCodec
{
    /// <summary>The protocol id.</summary>
    public const string Protocol = "/starling/peer-exchange/1.0.0";

    /// <summary>Records of one list at most.</summary>
    public const int MaxRecords = 256;

    /// <summary>Bytes of one message at most, without its length prefix.</summary>
    public const int MaxMessageBytes = 256 << 10;

    /// <summary>Bytes that a list takes beside its records, for each of them.</summary>
    public const int RecordOverhead = 4;

    /// <summary>Writes a message without its length prefix.</summary>
    /// <exception cref="ArgumentException">It is longer than <see cref="MaxMessageBytes"/>.</exception>
    public static byte[] Write(ExchangeMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var records = message.Records ?? [];
        var bytes = new byte[16 + records.Sum(record => record.Length + RecordOverhead)];
        var at = 0;
        bytes[at++] = (1 << 3) | ProtobufReader.Varint;
        bytes[at++] = (byte)message.Kind;
        if (message.Max > 0)
        {
            bytes[at++] = (2 << 3) | ProtobufReader.Varint;
            at += Varint.Write(bytes.AsSpan(at), (ulong)message.Max);
        }

        foreach (var record in records)
        {
            bytes[at++] = (3 << 3) | ProtobufReader.Bytes;
            at += Varint.Write(bytes.AsSpan(at), (ulong)record.Length);
            record.Span.CopyTo(bytes.AsSpan(at));
            at += record.Length;
        }

        if (at > MaxMessageBytes) throw new ArgumentException($"The message takes {at} bytes; {MaxMessageBytes} are allowed.", nameof(message));
        return bytes[..at];
    }

    /// <summary>Reads a message without its length prefix. Unknown fields are skipped.</summary>
    /// <param name="bytes">The bytes, which the records point into.</param>
    /// <param name="message">The message, or null.</param>
    /// <param name="error">What is wrong, or null.</param>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out ExchangeMessage? message, [NotNullWhen(false)] out string? error)
    {
        (message, error) = (null, null);
        if (bytes.Length > MaxMessageBytes) return Refuse($"a message of {bytes.Length} bytes, {MaxMessageBytes} are allowed", out error);
        ulong kind = 0, max = 0;
        var records = new List<ReadOnlyMemory<byte>>();
        var reader = new ProtobufReader(bytes.Span);
        while (!reader.AtEnd)
        {
            if (!reader.TryReadTag(out var field, out var wireType)) return Refuse("a malformed field", out error);
            var isRead = (field, wireType) switch
            {
                (1, ProtobufReader.Varint) => reader.TryReadVarint(out kind),
                (2, ProtobufReader.Varint) => reader.TryReadVarint(out max),
                (3, ProtobufReader.Bytes) => TryReadRecord(ref reader, bytes, records),
                ( <= 3, _) => false,
                _ => reader.TrySkip(wireType),
            };
            if (!isRead) return Refuse("a malformed field, or too long or too many records", out error);
        }

        if (kind is < 1 or > 3) return Refuse("no kind of message that is known", out error);
        message = new ExchangeMessage((ExchangeKind)kind, (int)Math.Min(max, MaxRecords), records);
        return true;
    }

    private static bool TryReadRecord(ref ProtobufReader reader, ReadOnlyMemory<byte> bytes, List<ReadOnlyMemory<byte>> records)
    {
        if (!reader.TryReadBytes(out var start, out var length) || length > IdentifyCodec.MaxMessageLength || records.Count == MaxRecords) return false;
        records.Add(bytes.Slice(start, length));
        return true;
    }

    private static bool Refuse(string why, out string error)
    {
        error = $"peer exchange holds {why}";
        return false;
    }
}
