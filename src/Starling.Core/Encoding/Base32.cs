using System.Diagnostics.CodeAnalysis;

namespace Starling;

/// <summary>Base32 of RFC 4648 in lower case and without padding, as multibase's <c>b</c>.</summary>
internal static class Base32
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    internal static string Encode(ReadOnlySpan<byte> bytes)
    {
        var text = new char[((bytes.Length * 8) + 4) / 5];
        int bits = 0, held = 0, at = 0;
        foreach (var b in bytes)
        {
            bits = (bits << 8) | b;
            for (held += 8; held >= 5; held -= 5) text[at++] = Alphabet[(bits >> (held - 5)) & 31];
            bits &= 31;
        }

        if (held > 0) text[at] = Alphabet[(bits << (5 - held)) & 31];
        return new string(text);
    }

    /// <summary>Decodes either case into a buffer; false with the reason when the text is not the one encoding of any bytes.</summary>
    internal static bool TryDecode(ReadOnlySpan<char> text, Span<byte> buffer, out int length, [NotNullWhen(false)] out string? error)
    {
        length = 0;
        error = null;
        int bits = 0, held = 0;
        foreach (var c in text)
        {
            var value = Alphabet.IndexOf(char.ToLowerInvariant(c), StringComparison.Ordinal);
            if (value < 0 || !char.IsAscii(c)) error = $"'{Quote.Text([c])}' is no base32 character";
            else if (length == buffer.Length) error = "it is too long";
            if (error is not null) return false;
            bits = (bits << 5) | value;
            held += 5;
            if (held < 8) continue;
            held -= 8;
            buffer[length++] = (byte)(bits >> held);
            bits &= (1 << held) - 1;
        }

        if (held >= 5 || bits != 0) error = "the base32 text is cut off or has stray bits at its end";
        return error is null;
    }
}

/// <summary>The multibase forms in which libp2p writes CIDs.</summary>
internal static class Multibase
{
    /// <summary>Decodes prefix and text into a buffer: base32 (<c>b</c>, <c>B</c>), base58btc (<c>z</c>), base16 (<c>f</c>, <c>F</c>).</summary>
    internal static bool TryDecode(ReadOnlySpan<char> text, Span<byte> buffer, out int length, [NotNullWhen(false)] out string? error)
    {
        switch (text[0])
        {
            case 'b' or 'B':
                return Base32.TryDecode(text[1..], buffer, out length, out error);
            case 'z':
                return Base58.TryDecode(text[1..], buffer, out length, out error);
            case 'f' or 'F':
                var status = Convert.FromHexString(text[1..], buffer, out _, out length);
                error = status == System.Buffers.OperationStatus.Done ? null : "the base16 text is malformed or too long";
                return error is null;
            default:
                length = 0;
                error = $"'{Quote.Text(text[..1])}' begins neither a base58 id ('1', 'Qm') nor a multibase text ('b', 'z', 'f')";
                return false;
        }
    }
}
