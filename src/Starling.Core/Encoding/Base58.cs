using System.Diagnostics.CodeAnalysis;

namespace Starling;

/// <summary>Base58 with Bitcoin's alphabet. Quadratic, so callers bound what they pass.</summary>
internal static class Base58
{
    private const string Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    internal static string Encode(ReadOnlySpan<byte> bytes)
    {
        var zeros = bytes.IndexOfAnyExcept((byte)0);
        if (zeros < 0) zeros = bytes.Length;
        // log(256) / log(58) is under 1.38.
        var digits = new byte[(bytes.Length * 138 / 100) + 1];
        var used = 0;
        foreach (var b in bytes[zeros..])
        {
            int carry = b;
            var i = 0;
            for (; i < used || carry != 0; i++)
            {
                carry += digits[i] << 8;
                digits[i] = (byte)(carry % 58);
                carry /= 58;
            }

            used = i;
        }

        return string.Create(zeros + used, (digits, zeros, used), static (text, state) =>
        {
            text[..state.zeros].Fill(Alphabet[0]);
            for (var i = 0; i < state.used; i++) text[state.zeros + i] = Alphabet[state.digits[state.used - 1 - i]];
        });
    }

    /// <summary>Decodes into a buffer; false with the reason when a character is foreign or the buffer too small.</summary>
    internal static bool TryDecode(ReadOnlySpan<char> text, Span<byte> buffer, out int length, [NotNullWhen(false)] out string? error)
    {
        length = 0;
        error = null;
        var zeros = text.IndexOfAnyExcept(Alphabet[0]);
        if (zeros < 0) zeros = text.Length;
        var used = 0;
        foreach (var c in text[zeros..])
        {
            var carry = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (carry < 0)
            {
                error = $"'{Quote.Text([c])}' is no base58 character";
                return false;
            }

            var i = 0;
            for (; i < used || carry != 0; i++)
            {
                if (i + zeros >= buffer.Length) break;
                carry += buffer[i] * 58;
                buffer[i] = (byte)carry;
                carry >>= 8;
            }

            if (carry != 0 || i + zeros > buffer.Length)
            {
                error = "it is too long";
                return false;
            }

            // Bytes beyond the used ones may be the caller's leftovers.
            if (i < buffer.Length) buffer[i] = 0;
            used = i;
        }

        if (zeros + used > buffer.Length)
        {
            error = "it is too long";
            return false;
        }

        buffer[..used].Reverse();
        buffer[..used].CopyTo(buffer[zeros..]);
        buffer[..zeros].Clear();
        length = zeros + used;
        return true;
    }
}
