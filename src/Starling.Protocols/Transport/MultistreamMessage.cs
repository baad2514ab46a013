using System.Buffers;
using System.Text;

namespace Starling.Protocols.Transport;

/// <summary>The messages of multistream-select 1.0: a varint length, then UTF-8 text that ends in a newline, which the length counts.</summary>
/// <remarks>libp2p specification <c>connections</c>, section multistream-select.</remarks>
public static class MultistreamMessage
{
    /// <summary>What both ends say first.</summary>
    public const string Header = "/multistream/1.0.0";

    /// <summary>The answer to a protocol that is not served.</summary>
    public const string NotAvailable = "na";

    /// <summary>Asks for the list of served protocols.</summary>
    public const string List = "ls";

    /// <summary>The longest text that is sent or read, in bytes with its newline.</summary>
    public const int MaxLength = 1024;

    /// <summary>Bytes that the length prefix takes at most.</summary>
    public const int MaxPrefix = 2;

    /// <summary>The longest answer to <see cref="List"/>: what two bytes of length can say. More protocols are left out.</summary>
    public const int MaxListLength = (1 << 14) - 1;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Bytes that <see cref="Write"/> produces for a text.</summary>
    /// <exception cref="ArgumentException">The text is empty, too long or holds a newline.</exception>
    public static int SizeOf(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        var length = Strict.GetByteCount(text) + 1;
        if (length > MaxLength) throw new ArgumentException($"The protocol id is {length - 1} bytes long; {MaxLength - 1} are allowed.", nameof(text));
        if (text.Contains('\n', StringComparison.Ordinal)) throw new ArgumentException("A protocol id holds no newline.", nameof(text));
        return PrefixSize(length) + length;
    }

    /// <summary>Writes one message and returns its size.</summary>
    /// <exception cref="ArgumentException">The text is empty, too long or holds a newline, or the target is too small.</exception>
    public static int Write(string text, Span<byte> target)
    {
        var size = SizeOf(text);
        if (target.Length < size) throw new ArgumentException($"The message takes {size} bytes.", nameof(target));
        var length = Strict.GetByteCount(text) + 1;
        var at = WritePrefix(length, target);
        at += Strict.GetBytes(text, target[at..]);
        target[at++] = (byte)'\n';
        return at;
    }

    /// <summary>Several messages, one behind the other.</summary>
    public static byte[] Encode(params ReadOnlySpan<string> texts)
    {
        var size = 0;
        foreach (var text in texts) size += SizeOf(text);
        var bytes = new byte[size];
        var at = 0;
        foreach (var text in texts) at += Write(text, bytes.AsSpan(at));
        return bytes;
    }

    /// <summary>The answer to <see cref="List"/>: one message that holds a message for each protocol and a newline.</summary>
    public static byte[] EncodeList(IEnumerable<string> protocols)
    {
        ArgumentNullException.ThrowIfNull(protocols);
        var body = new ArrayBufferWriter<byte>();
        foreach (var protocol in protocols)
        {
            var size = SizeOf(protocol);
            if (body.WrittenCount + size + 1 > MaxListLength) break;
            body.Advance(Write(protocol, body.GetSpan(size)));
        }

        var length = body.WrittenCount + 1;
        var bytes = new byte[PrefixSize(length) + length];
        body.WrittenSpan.CopyTo(bytes.AsSpan(WritePrefix(length, bytes)));
        bytes[^1] = (byte)'\n';
        return bytes;
    }

    /// <summary>Reads the length prefix.</summary>
    /// <returns><see cref="OperationStatus.NeedMoreData"/> while it is incomplete, <see cref="OperationStatus.InvalidData"/> when the text would be empty, longer than <see cref="MaxLength"/>, or the prefix is not minimal.</returns>
    public static OperationStatus ReadLength(ReadOnlySpan<byte> input, out int length, out int consumed)
    {
        (length, consumed) = (0, 0);
        if (input.IsEmpty) return OperationStatus.NeedMoreData;
        (length, consumed) = (input[0] & 0x7f, 1);
        if (input[0] >= 0x80)
        {
            if (input.Length < MaxPrefix) return OperationStatus.NeedMoreData;
            if (input[1] is 0 or >= 0x80) return OperationStatus.InvalidData;
            (length, consumed) = (length | (input[1] << 7), MaxPrefix);
        }

        return length is 0 or > MaxLength ? OperationStatus.InvalidData : OperationStatus.Done;
    }

    /// <summary>Reads the text of one message, without its newline.</summary>
    /// <param name="body">Exactly as many bytes as the prefix said.</param>
    /// <param name="text">The text, or null when the message is malformed.</param>
    /// <returns>Whether the body ends in its only newline and is UTF-8.</returns>
    public static bool TryReadText(ReadOnlySpan<byte> body, out string? text)
    {
        text = null;
        if (body.IsEmpty || body.IndexOf((byte)'\n') != body.Length - 1) return false;
        body = body[..^1];
        if (!System.Text.Unicode.Utf8.IsValid(body)) return false;
        text = Known(body) ?? Strict.GetString(body);
        return true;
    }

    /// <summary>Reads one whole message.</summary>
    public static OperationStatus TryRead(ReadOnlySpan<byte> input, out string? text, out int consumed)
    {
        (text, consumed) = (null, 0);
        var status = ReadLength(input, out var length, out var prefix);
        if (status != OperationStatus.Done) return status;
        if (input.Length < prefix + length) return OperationStatus.NeedMoreData;
        if (!TryReadText(input.Slice(prefix, length), out text)) return OperationStatus.InvalidData;
        consumed = prefix + length;
        return OperationStatus.Done;
    }

    private static string? Known(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("/multistream/1.0.0"u8) ? Header : text.SequenceEqual("na"u8) ? NotAvailable : null;

    private static int PrefixSize(int length) => length < 0x80 ? 1 : MaxPrefix;

    private static int WritePrefix(int length, Span<byte> target)
    {
        if (length < 0x80)
        {
            target[0] = (byte)length;
            return 1;
        }

        target[0] = (byte)(length | 0x80);
        target[1] = (byte)(length >> 7);
        return MaxPrefix;
    }
}
