using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Text;

namespace Starling;

/// <summary>One row of the multiaddr table (multiformats/multiaddr, "protocols.csv") and how its value is written as text and as bytes.</summary>
/// <param name="Code">The multicodec.</param>
/// <param name="Name">The name in text.</param>
/// <param name="Size">Bytes of the value; 0 for none, <see cref="Variable"/> for a length prefix.</param>
/// <param name="Encode">Text to bytes.</param>
/// <param name="Decode">Bytes (of the right size) to canonical text.</param>
internal sealed record MultiaddrProtocol(int Code, string Name, int Size, MultiaddrProtocol.Encoder Encode, MultiaddrProtocol.Decoder Decode)
{
    internal const int Variable = -1;

    private const int MaxNameBytes = 253;
    private const int MaxLabelChars = 63;
    private const int MaxZoneBytes = 64;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly MultiaddrProtocol[] Table =
    [
        new(4, "ip4", 4, EncodeIp4, DecodeIp),
        new(6, "tcp", 2, EncodePort, DecodePort),
        new(41, "ip6", 16, EncodeIp6, DecodeIp),
        TextProtocol(42, "ip6zone", JudgeZone),
        TextProtocol(53, "dns", JudgeName),
        TextProtocol(54, "dns4", JudgeName),
        TextProtocol(55, "dns6", JudgeName),
        TextProtocol(56, "dnsaddr", JudgeName),
        new(273, "udp", 2, EncodePort, DecodePort),
        Flag(290, "p2p-circuit"),
        TextProtocol(400, "unix", JudgePath),
        new(421, "p2p", Variable, EncodePeer, DecodePeer),
        Flag(448, "tls"),
        Flag(461, "quic-v1"),
        Flag(477, "ws"),
        Flag(478, "wss"),
        new(777, "memory", 8, EncodeMemory, DecodeMemory),
    ];

    private static readonly FrozenDictionary<int, MultiaddrProtocol> ByCode = Table.ToFrozenDictionary(row => row.Code);
    private static readonly FrozenDictionary<string, MultiaddrProtocol> ByName =
        Table.Append(ByCode[421] with { Name = "ipfs" }).ToFrozenDictionary(row => row.Name, row => ByCode[row.Code], StringComparer.Ordinal);

    /// <summary>Writes a text value as bytes; returns null, or what is wrong in part of a sentence.</summary>
    internal delegate string? Encoder(string text, out byte[] value);

    /// <summary>Writes bytes as canonical text; returns null, or what is wrong in part of a sentence.</summary>
    internal delegate string? Decoder(ReadOnlySpan<byte> value, out string text);

    /// <summary>Whether the value is a path that takes the rest of the text, slashes and all.</summary>
    internal bool IsPath => Code == 400;

    internal static MultiaddrProtocol? Find(string name) => ByName.GetValueOrDefault(name);

    internal static MultiaddrProtocol? Find(ulong code) => code <= int.MaxValue ? ByCode.GetValueOrDefault((int)code) : null;

    private static MultiaddrProtocol Flag(int code, string name) => new(code, name, 0, EncodeNothing, DecodeNothing);

    private static MultiaddrProtocol TextProtocol(int code, string name, Func<string, int, string?> judge)
    {
        return new(code, name, Variable, Encode, Decode);

        string? Encode(string text, out byte[] value)
        {
            value = [];
            try
            {
                value = Utf8.GetBytes(text);
            }
            catch (EncoderFallbackException)
            {
                return "is no valid Unicode text";
            }

            return judge(text, value.Length);
        }

        string? Decode(ReadOnlySpan<byte> value, out string text)
        {
            text = "";
            try
            {
                text = Utf8.GetString(value);
            }
            catch (DecoderFallbackException)
            {
                return "is no UTF-8 text";
            }

            return judge(text, value.Length);
        }
    }

    private static string? EncodeNothing(string text, out byte[] value)
    {
        value = [];
        return null;
    }

    private static string? DecodeNothing(ReadOnlySpan<byte> value, out string text)
    {
        text = "";
        return null;
    }

    private static string? EncodeIp4(string text, out byte[] value)
    {
        value = [];
        // Only the canonical form: .NET also reads 127.1 and octal, which mean different hosts to different programs.
        if (!IPAddress.TryParse(text, out var ip) || ip.GetAddressBytes() is not { Length: 4 } bytes || ip.ToString() != text)
            return "is no IPv4 address such as 192.0.2.1";
        value = bytes;
        return null;
    }

    private static string? EncodeIp6(string text, out byte[] value)
    {
        value = [];
        if (text.Contains('%', StringComparison.Ordinal)) return "has a zone; write it before the address, as in /ip6zone/eth0/ip6/fe80::1";
        if (!text.All(c => char.IsAsciiHexDigit(c) || c is ':' or '.')
            || !IPAddress.TryParse(text, out var ip)
            || ip.GetAddressBytes() is not { Length: 16 } bytes) return "is no IPv6 address such as 2001:db8::1";
        value = bytes;
        return null;
    }

    private static string? DecodeIp(ReadOnlySpan<byte> value, out string text)
    {
        text = new IPAddress(value).ToString();
        return null;
    }

    private static string? EncodePort(string text, out byte[] value)
    {
        value = new byte[2];
        if (text.Length > 5 || !ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port)) return "is no port from 0 to 65535";
        BinaryPrimitives.WriteUInt16BigEndian(value, port);
        return null;
    }

    private static string? DecodePort(ReadOnlySpan<byte> value, out string text)
    {
        text = BinaryPrimitives.ReadUInt16BigEndian(value).ToString(CultureInfo.InvariantCulture);
        return null;
    }

    private static string? EncodeMemory(string text, out byte[] value)
    {
        value = new byte[8];
        if (text.Length > 20 || !ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return "is no whole number of 64 bits";
        BinaryPrimitives.WriteUInt64BigEndian(value, number);
        return null;
    }

    private static string? DecodeMemory(ReadOnlySpan<byte> value, out string text)
    {
        text = BinaryPrimitives.ReadUInt64BigEndian(value).ToString(CultureInfo.InvariantCulture);
        return null;
    }

    private static string? EncodePeer(string text, out byte[] value)
    {
        value = [];
        if (!PeerId.TryParse(text, out var id, out var error)) return $"is no peer id: {error}";
        value = id.Bytes.ToArray();
        return null;
    }

    private static string? DecodePeer(ReadOnlySpan<byte> value, out string text)
    {
        text = "";
        if (!PeerId.TryFromBytes(value, out var id)) return "is no peer id";
        text = id.ToString();
        return null;
    }

    private static string? JudgeName(string text, int bytes)
    {
        if (bytes > MaxNameBytes) return $"has {bytes} bytes, more than the {MaxNameBytes} of a domain name";
        var name = text.EndsWith('.') ? text.AsSpan(0, text.Length - 1) : text;
        foreach (var label in name.Split('.'))
        {
            var part = name[label];
            if (part.Length is 0 or > MaxLabelChars) return "is no domain name: a label has no or too many characters";
            foreach (var c in part)
                if (!char.IsLetterOrDigit(c) && c is not ('-' or '_')) return $"is no domain name: it contains '{Quote.Text([c])}'";
        }

        return null;
    }

    private static string? JudgeZone(string text, int bytes) =>
        bytes is 0 or > MaxZoneBytes || text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c is '/' or '%') ? "is no interface name or number" : null;

    private static string? JudgePath(string text, int bytes) =>
        bytes < 2 || text[0] != '/' || text.Contains('\0', StringComparison.Ordinal) ? "is no absolute path" : null;
}
