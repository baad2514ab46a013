using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Starling;

/// <summary>A range of IP addresses that begin with the same bits, such as <c>192.0.2.0/24</c>, <c>2001:db8::/32</c> or one address (RFC 4632, RFC 4291).</summary>
/// <remarks>IPv4 addresses that are mapped into IPv6 (<c>::ffff:192.0.2.1</c>) count as the IPv4 addresses that they are; zones do not count.</remarks>
public readonly record struct IpPrefix
{
    private const int MappedLength = 96;

    /// <summary>The bits of the address from the highest on; those behind the prefix are zero.</summary>
    private readonly UInt128 _bits;

    private IpPrefix(UInt128 bits, bool isIPv4, int length) => (_bits, IsIPv4, Length) = (bits & Mask(length), isIPv4, length);

    /// <summary>Whether it is a range of IPv4 addresses.</summary>
    public bool IsIPv4 { get; }

    /// <summary>How many bits count: from 0 to 32 for IPv4, from 0 to 128 for IPv6.</summary>
    public int Length { get; }

    /// <summary>The range of one address.</summary>
    public static IpPrefix Of(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        var ip = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        ip.TryWriteBytes(bytes, out var written);
        return new IpPrefix(BinaryPrimitives.ReadUInt128BigEndian(bytes), written == 4, written * 8);
    }

    /// <summary>Parses an address or a range in CIDR notation.</summary>
    /// <exception cref="FormatException">The text is neither; the message says why.</exception>
    public static IpPrefix Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out var prefix, out var error) ? prefix : throw new FormatException($"The address range '{Quote.Text(text)}' is invalid: {error}.");
    }

    /// <summary>Parses an address or a range in CIDR notation, or says in part of a sentence what is wrong.</summary>
    public static bool TryParse(string? text, out IpPrefix prefix, [NotNullWhen(false)] out string? error)
    {
        prefix = default;
        var (host, tail) = text?.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? (text[..slash], text[(slash + 1)..]) : (text ?? "", null);
        if (!IsCanonical(host, out var address))
        {
            error = "it is no address such as 192.0.2.1, 2001:db8::1, 192.0.2.0/24 or 2001:db8::/32";
            return false;
        }

        var whole = Of(address);
        var written = address.GetAddressBytes().Length * 8;
        var length = written;
        if (tail is not null && (!int.TryParse(tail, NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > written))
        {
            error = $"the length behind the slash is no number from 0 to {written}";
            return false;
        }

        if (whole.IsIPv4 && written > 32) length -= MappedLength;
        if (length < 0)
        {
            error = "it mixes IPv4 and IPv6; name the IPv4 range on its own";
            return false;
        }

        prefix = whole.Shorten(length);
        error = prefix._bits == whole._bits ? null : $"it has bits behind the first {length}; write {prefix}";
        return error is null;
    }

    /// <summary>The wider range of the first bits; the same one when it has no more.</summary>
    public IpPrefix Shorten(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return length >= Length ? this : new IpPrefix(_bits, IsIPv4, length);
    }

    /// <summary>Whether an address lies in the range.</summary>
    public bool Contains(IPAddress address) => Contains(Of(address));

    /// <summary>Whether another range lies in this one.</summary>
    public bool Contains(IpPrefix other) => other.IsIPv4 == IsIPv4 && other.Length >= Length && other.Shorten(Length) == this;

    /// <summary>The canonical text: without a slash where it is one address.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _bits);
        var address = new IPAddress(bytes[..(IsIPv4 ? 4 : 16)]);
        return Length == (IsIPv4 ? 32 : 128) ? address.ToString() : string.Create(CultureInfo.InvariantCulture, $"{address}/{Length}");
    }

    /// <summary>Only what is written as addresses are: .NET also reads 10.1, octal and hexadecimal numbers, which mean different hosts to different programs.</summary>
    private static bool IsCanonical(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (text.Length > 45 || !text.All(letter => char.IsAsciiHexDigit(letter) || letter is ':' or '.') || !IPAddress.TryParse(text, out var ip)) return false;
        address = ip;
        return ip.GetAddressBytes().Length == 16 || ip.ToString() == text;
    }

    private static UInt128 Mask(int length) => length == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - length);
}
