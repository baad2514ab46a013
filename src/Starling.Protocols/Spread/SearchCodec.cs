using System.Diagnostics.CodeAnalysis;
using System.Text;
using Starling.Protocols.Links;
using Starling.Protocols.PubSub;

namespace Starling.Protocols.Spread;

/// <summary>What an overlay search asks.</summary>
/// <param name="Subject">What is sought.</param>
/// <param name="Asker">Who asks and where it may be reached, verified; null when the asker keeps that to itself.</param>
public sealed record SearchQuery(string Subject, SignedPeerRecord? Asker)
{
    /// <summary>Who asks, where the query was signed by its sender; else null, and <see cref="Asker"/> may be anybody's record.</summary>
    public PeerId? ProvedAsker { get; init; }
}

/// <summary>One node's answer to a search.</summary>
/// <param name="Record">Where it may be reached, verified.</param>
/// <param name="Subject">What it serves.</param>
public sealed record SearchAnswer(SignedPeerRecord Record, string Subject);

/// <summary>Queries and answers of overlay search, which are payloads of spread's kind 1.</summary>
/// <remarks><code>
/// message Query  { string subject = 1; bytes asker = 2; }
/// message Answer { string subject = 1; bytes record = 2; bytes proof = 3; }
/// </code>
/// Records are envelopes of RFC 0002. The proof is the answering peer's signature over <c>starling-search:</c>, the query's id and the
/// subject: a record that was seen elsewhere answers no other query.</remarks>
public static class SearchCodec
{
    /// <summary>Longest subject, in bytes of UTF-8.</summary>
    public const int MaxSubjectBytes = 256;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static ReadOnlySpan<byte> Domain => "starling-search:"u8;

    /// <summary>Checks a subject that a user gave.</summary>
    /// <exception cref="ArgumentException">It is empty, longer than <see cref="MaxSubjectBytes"/> or not valid Unicode.</exception>
    public static void CheckSubject(string subject)
    {
        ArgumentException.ThrowIfNullOrEmpty(subject);
        var length = 0;
        try
        {
            length = StrictUtf8.GetByteCount(subject);
        }
        catch (EncoderFallbackException error)
        {
            throw new ArgumentException("A subject is valid Unicode; this one holds half a surrogate pair.", nameof(subject), error);
        }

        if (length > MaxSubjectBytes) throw new ArgumentException($"A subject has at most {MaxSubjectBytes} bytes of UTF-8; this one has {length}.", nameof(subject));
    }

    /// <summary>Writes a query.</summary>
    /// <param name="subject">As <see cref="CheckSubject"/> allows.</param>
    /// <param name="asker">The asker's own envelope, or empty.</param>
    public static byte[] WriteQuery(string subject, ReadOnlySpan<byte> asker) => Write(Utf8(subject), asker, default);

    /// <summary>Writes an answer.</summary>
    /// <param name="to">The query.</param>
    /// <param name="subject">What was asked for.</param>
    /// <param name="record">This node's own envelope.</param>
    /// <param name="identity">Signs the proof.</param>
    public static byte[] WriteAnswer(SpreadId to, string subject, ReadOnlySpan<byte> record, NodeIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        var name = Utf8(subject);
        return Write(name, record, identity.Sign(Proven(to, name)));
    }

    /// <summary>Reads a query.</summary>
    /// <returns>False when it is malformed, or the asker's record does not hold.</returns>
    public static bool TryReadQuery(ReadOnlyMemory<byte> payload, [NotNullWhen(true)] out SearchQuery? query)
    {
        query = null;
        if (!SpreadFields.TryRead(payload, bytes: [1, 2], numbers: [], out var fields) || !TryReadSubject(fields.Bytes(1).Span, out var subject)) return false;
        SignedPeerRecord? asker = null;
        if (!fields.Bytes(2).IsEmpty && !SignedPeerRecord.TryOpen(fields.Bytes(2).Span, out asker)) return false;
        query = new SearchQuery(subject, asker);
        return true;
    }

    /// <summary>Reads and verifies an answer: record and proof.</summary>
    /// <param name="to">The query that it answers.</param>
    /// <param name="payload">The bytes.</param>
    /// <param name="answer">The answer, or null when anything does not hold.</param>
    public static bool TryReadAnswer(SpreadId to, ReadOnlyMemory<byte> payload, [NotNullWhen(true)] out SearchAnswer? answer)
    {
        answer = null;
        if (!SpreadFields.TryRead(payload, bytes: [1, 2, 3], numbers: [], out var fields) || !TryReadSubject(fields.Bytes(1).Span, out var subject)) return false;
        if (fields.Bytes(3).Length is 0 or > SpreadCodec.MaxSignatureBytes || !SignedPeerRecord.TryOpen(fields.Bytes(2).Span, out var record)) return false;
        if (!record.Key.Verify(Proven(to, fields.Bytes(1).Span), fields.Bytes(3).Span)) return false;
        answer = new SearchAnswer(record, subject);
        return true;
    }

    private static bool TryReadSubject(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? subject)
    {
        subject = null;
        if (utf8.Length is 0 or > MaxSubjectBytes || !System.Text.Unicode.Utf8.IsValid(utf8)) return false;
        subject = StrictUtf8.GetString(utf8);
        return true;
    }

    private static byte[] Utf8(string subject)
    {
        CheckSubject(subject);
        return StrictUtf8.GetBytes(subject);
    }

    private static byte[] Proven(SpreadId to, ReadOnlySpan<byte> subject)
    {
        var bytes = new byte[Domain.Length + SpreadId.Length + subject.Length];
        Domain.CopyTo(bytes);
        to.Write(bytes.AsSpan(Domain.Length));
        subject.CopyTo(bytes.AsSpan(Domain.Length + SpreadId.Length));
        return bytes;
    }

    private static byte[] Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
    {
        var bytes = new byte[3 * (1 + Varint.MaxLength) + first.Length + second.Length + third.Length];
        var at = WriteField(bytes, 1, first);
        at += WriteField(bytes.AsSpan(at), 2, second);
        at += WriteField(bytes.AsSpan(at), 3, third);
        return bytes[..at];
    }

    private static int WriteField(Span<byte> to, int field, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return 0;
        to[0] = (byte)((field << 3) | ProtobufReader.Bytes);
        var at = 1 + Varint.Write(to[1..], (ulong)value.Length);
        value.CopyTo(to[at..]);
        return at + value.Length;
    }
}
