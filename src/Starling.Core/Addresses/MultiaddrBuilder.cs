namespace Starling;

/// <summary>Collects components and applies the rules that span them; errors are parts of sentences.</summary>
internal sealed class MultiaddrBuilder
{
    private readonly List<MultiaddrComponent> _components = [];
    private readonly List<byte> _bytes = [];

    internal static string? ParseText(string text, out Multiaddr? address)
    {
        address = null;
        if (text.Length == 0) return "it is empty";
        if (text.Length > Multiaddr.MaxTextLength) return $"{text.Length} characters are more than the {Multiaddr.MaxTextLength} that an address may have";
        if (text[0] != '/') return "it must begin with '/', as in /ip4/127.0.0.1/tcp/4001";
        var builder = new MultiaddrBuilder();
        var at = 1;
        while (at < text.Length)
        {
            var nameAt = at;
            var name = Segment(text, ref at);
            if (name.Length == 0) return $"the protocol name at character {nameAt + 1} is empty";
            if (MultiaddrProtocol.Find(name) is not { } protocol) return $"the protocol '{Quote.Text(name)}' at character {nameAt + 1} is unknown";

            var valueAt = at;
            var value = "";
            if (protocol.IsPath)
            {
                value = at <= text.Length ? text[(at - 1)..] : "";
                at = text.Length;
            }
            else if (protocol.Size != 0)
            {
                value = Segment(text, ref at);
                if (value.Length == 0) return $"{name} has no value at character {valueAt + 1}";
            }

            if (protocol.Encode(value, out var bytes) is { } error) return $"the {name} value '{Quote.Text(value)}' at character {valueAt + 1} {error}";
            if (builder.Add(protocol, bytes) is { } refusal) return refusal;
        }

        return builder.Finish(out address);
    }

    internal static string? ParseBytes(ReadOnlySpan<byte> bytes, out Multiaddr? address)
    {
        address = null;
        if (bytes.Length > Multiaddr.MaxLength) return $"{bytes.Length} bytes are more than the {Multiaddr.MaxLength} that an address may have";
        var builder = new MultiaddrBuilder();
        var at = 0;
        while (at < bytes.Length)
        {
            var start = at;
            if (!ReadVarint(bytes, ref at, out var code)) return $"the protocol code at byte {start} is cut off or no minimal varint";
            if (MultiaddrProtocol.Find(code) is not { } protocol) return $"the protocol code {code} at byte {start} is unknown";
            var length = (ulong)Math.Max(protocol.Size, 0);
            if (protocol.Size == MultiaddrProtocol.Variable && !ReadVarint(bytes, ref at, out length)) return $"the length of {protocol.Name} at byte {start} is cut off or no minimal varint";
            if (length > (ulong)(bytes.Length - at)) return $"the {protocol.Name} value at byte {at} needs {length} bytes and {bytes.Length - at} are left";
            var value = bytes.Slice(at, (int)length);
            if (builder.Add(protocol, value) is { } refusal) return $"{refusal} (at byte {at})";
            at += (int)length;
        }

        return builder.Finish(out address);
    }

    private static bool ReadVarint(ReadOnlySpan<byte> bytes, ref int at, out ulong value)
    {
        var done = Varint.TryRead(bytes[at..], out value, out var read) == System.Buffers.OperationStatus.Done;
        at += read;
        return done;
    }

    private static string Segment(string text, ref int at)
    {
        if (at >= text.Length) return "";
        var end = text.IndexOf('/', at);
        if (end < 0) end = text.Length;
        var segment = text[at..end];
        at = end + 1;
        return segment;
    }

    private string? Add(MultiaddrProtocol protocol, ReadOnlySpan<byte> value)
    {
        if (_components.Count == Multiaddr.MaxComponents) return $"it has more than {Multiaddr.MaxComponents} components";
        if (ZoneIsOpen && protocol.Name != "ip6") return $"ip6zone is followed by {protocol.Name} instead of ip6";
        if (PathIsTaken) return $"unix is followed by {protocol.Name}, and its path takes the rest of an address";
        if (protocol.Decode(value, out var text) is { } error) return $"the {protocol.Name} value {error}";
        Span<byte> header = stackalloc byte[2 * Varint.MaxLength];
        var length = Varint.Write(header, (ulong)protocol.Code);
        if (protocol.Size == MultiaddrProtocol.Variable) length += Varint.Write(header[length..], (ulong)value.Length);
        if (_bytes.Count + length + value.Length > Multiaddr.MaxLength) return $"its binary form is longer than {Multiaddr.MaxLength} bytes";
        _bytes.AddRange(header[..length]);
        _bytes.AddRange(value);
        _components.Add(new MultiaddrComponent(protocol.Name, text));
        return null;
    }

    private bool ZoneIsOpen => _components.Count > 0 && _components[^1].Protocol == "ip6zone";

    // A component behind a path would read as part of it once the address is text.
    private bool PathIsTaken => _components.Count > 0 && _components[^1].Protocol == "unix";

    private string? Finish(out Multiaddr? address)
    {
        address = null;
        if (_components.Count == 0) return "it is empty";
        if (ZoneIsOpen) return "ip6zone is not followed by ip6";
        address = new Multiaddr([.. _bytes], [.. _components]);
        return null;
    }
}
