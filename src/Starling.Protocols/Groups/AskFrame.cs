using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Starling.Protocols.Groups;

/// <summary>What an <see cref="AskFrame"/> is.</summary>
public enum AskKind
{
    /// <summary>A request to the responders of a topic.</summary>
    Ask,

    /// <summary>An answer; its payload is the answer.</summary>
    Answer,

    /// <summary>The responder failed; its payload says why, as UTF-8.</summary>
    Failure,

    /// <summary>The asker no longer wants an answer.</summary>
    Withdrawal,
}

/// <summary>Requests over topics and their answers.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Id">The request: 128 random bits.</param>
/// <param name="Asker">Who asked: whom an answer is for.</param>
/// <param name="Milliseconds">For how long the asker waits, at least 1.</param>
/// <param name="Payload">A part of what was read; valid as long as that is.</param>
public sealed record AskFrame(AskKind Kind, UInt128 Id, PeerId Asker, uint Milliseconds, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Bytes that a frame has beside its payload, at most.</summary>
    public const int MaxOverhead = 2 + 16 + 1 + PeerId.MaxLength + 5;

    private const byte Version = 1;
    private const int MaxWords = 512;

    /// <summary>A failure, in at most 512 characters.</summary>
    public static AskFrame Failed(UInt128 id, PeerId asker, string words)
    {
        ArgumentNullException.ThrowIfNull(words);
        return new AskFrame(AskKind.Failure, id, asker, 1, Encoding.UTF8.GetBytes(words.Length <= MaxWords ? words : words[..MaxWords]));
    }

    /// <summary>What a failure says, without anything that a terminal would obey.</summary>
    public string Words => string.Concat(Encoding.UTF8.GetString(Payload.Span).Take(MaxWords).Where(letter => !char.IsControl(letter)));

    /// <summary>Version 1, kind, id (16 bytes, big-endian), the asker's id with its length in front, milliseconds as varint, payload.</summary>
    public byte[] Encode()
    {
        var output = new ArrayBufferWriter<byte>(MaxOverhead + Payload.Length);
        output.Write([Version, (byte)Kind]);
        BinaryPrimitives.WriteUInt128BigEndian(output.GetSpan(16), Id);
        output.Advance(16);
        Varint.Write(output, (ulong)Asker.Bytes.Length);
        output.Write(Asker.Bytes);
        Varint.Write(output, Milliseconds);
        output.Write(Payload.Span);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads a frame; null when the bytes are none.</summary>
    public static AskFrame? Decode(ReadOnlyMemory<byte> bytes)
    {
        var span = bytes.Span;
        if (span.Length < 20 || span[0] != Version || span[1] > (byte)AskKind.Withdrawal) return null;
        var id = BinaryPrimitives.ReadUInt128BigEndian(span[2..]);
        var at = 18;
        if (Varint.TryRead(span[at..], out var length, out var read) != OperationStatus.Done || length > PeerId.MaxLength) return null;
        at += read;
        if (span.Length - at < (int)length || !PeerId.TryFromBytes(span.Slice(at, (int)length), out var asker)) return null;
        at += (int)length;
        if (Varint.TryRead(span[at..], out var milliseconds, out read) != OperationStatus.Done || milliseconds is 0 or > uint.MaxValue) return null;
        return new AskFrame((AskKind)span[1], id, asker, (uint)milliseconds, bytes[(at + read)..]);
    }
}
