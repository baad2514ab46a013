namespace Starling;

/// <summary>Makes foreign text fit for an error message: short, and without control characters that would break a log or a terminal.</summary>
internal static class Quote
{
    private const int MaxLength = 80;

    internal static string Text(ReadOnlySpan<char> text)
    {
        var cut = text.Length > MaxLength;
        Span<char> shown = stackalloc char[MaxLength];
        if (cut) text = text[..MaxLength];
        for (var i = 0; i < text.Length; i++) shown[i] = char.IsControl(text[i]) || char.IsSurrogate(text[i]) ? '\uFFFD' : text[i];
        return cut ? string.Concat(shown, "…") : new string(shown[..text.Length]);
    }
}
