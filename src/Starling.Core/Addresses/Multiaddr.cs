using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Starling;

/// <summary>An address that says how to reach a peer, such as <c>/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW…</c> (addressing spec; multiformats/multiaddr).</summary>
/// <remarks>Immutable and equal by its binary form. Text is canonical: IPv6 per RFC 5952, peer ids in base58btc, ports without leading zeros.
/// Known protocols: ip4, ip6, ip6zone, dns, dns4, dns6, dnsaddr, tcp, udp, quic-v1, ws, wss, tls, p2p (read also as ipfs), p2p-circuit, unix, memory.</remarks>
public sealed class Multiaddr : IEquatable<Multiaddr>
{
    /// <summary>The longest binary form, bytes.</summary>
    public const int MaxLength = 1024;

    /// <summary>The longest text that is parsed, characters.</summary>
    public const int MaxTextLength = 2048;

    /// <summary>The most components of one address.</summary>
    public const int MaxComponents = 32;

    private readonly byte[] _bytes;
    private readonly MultiaddrComponent[] _components;
    private string? _text;

    internal Multiaddr(byte[] bytes, MultiaddrComponent[] components)
    {
        _bytes = bytes;
        _components = components;
        PeerId = components is [.., { Protocol: "p2p", Value: var id }] ? Starling.PeerId.Parse(id) : null;
    }

    /// <summary>The binary form, as protocols carry it.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>The components in order.</summary>
    public IReadOnlyList<MultiaddrComponent> Components => _components;

    /// <summary>The peer that must answer: the id when the address ends in a p2p component, else null (also where it names only a relay).</summary>
    public PeerId? PeerId { get; }

    /// <summary>The host when the address begins with one: an IP address (with <c>%zone</c>) or a domain name; else null.</summary>
    public string? Host => _components switch
    {
        [{ Protocol: "ip4" or "ip6" or "dns" or "dns4" or "dns6" or "dnsaddr", Value: var host }, ..] => host,
        [{ Protocol: "ip6zone", Value: var zone }, { Value: var host }, ..] => $"{host}%{zone}",
        _ => null,
    };

    /// <summary>The TCP or UDP port that follows the host, or null.</summary>
    public int? Port
    {
        get
        {
            var at = HostComponents;
            if (at == 0 || at >= _components.Length || _components[at].Protocol is not ("tcp" or "udp")) return null;
            return int.Parse(_components[at].Value, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Whether the host is this machine only: 127.0.0.0/8, ::1, or the name localhost.</summary>
    public bool IsLoopback => HostAddress is { } ip ? IPAddress.IsLoopback(ip) : Host is "localhost" or "localhost.";

    /// <summary>Whether the host stands for every interface: 0.0.0.0 or ::. Such an address is listened on, never dialled.</summary>
    public bool IsUnspecified => HostAddress is { } ip && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any));

    /// <summary>Whether the address leads through a relay.</summary>
    public bool IsRelayed => Array.Exists(_components, component => component.Protocol == "p2p-circuit");

    private int HostComponents => Host is null ? 0 : _components[0].Protocol == "ip6zone" ? 2 : 1;

    private IPAddress? HostAddress => _components is [{ Protocol: "ip4" or "ip6" or "ip6zone" }, ..] && IPAddress.TryParse(Host, out var ip) ? ip : null;

    /// <summary>Whether both are the same address.</summary>
    public static bool operator ==(Multiaddr? left, Multiaddr? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether the addresses differ.</summary>
    public static bool operator !=(Multiaddr? left, Multiaddr? right) => !(left == right);

    /// <summary>Parses multiaddr text.</summary>
    /// <exception cref="FormatException">The text is malformed; the message names the part, its place and what is wrong.</exception>
    public static Multiaddr Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out var address, out var error) ? address : throw Invalid(text, error);
    }

    /// <summary>Parses multiaddr text, or says in part of a sentence which part is wrong.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Multiaddr? address, [NotNullWhen(false)] out string? error)
    {
        error = MultiaddrBuilder.ParseText(text ?? "", out address);
        return address is not null;
    }

    /// <summary>Parses what a person types as an address: multiaddr text, <c>192.0.2.1:4001</c>, <c>[2001:db8::1]:4001</c> or <c>name:4001</c>,
    /// the last three meaning TCP, with or without <c>/p2p/ID</c> behind.</summary>
    /// <exception cref="FormatException">The text is none of these; the message names the part and what is wrong.</exception>
    public static Multiaddr ParseUserInput(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim();
        return UserAddress.TryTranslate(trimmed, out var canonical, out var error) && TryParse(canonical, out var address, out error)
            ? address
            : throw Invalid(trimmed, error!);
    }

    /// <summary>Decodes the binary form, or says in part of a sentence what is wrong: malformed, too long, or a protocol that is unknown here (skip such an address).</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Multiaddr? address, [NotNullWhen(false)] out string? error)
    {
        error = MultiaddrBuilder.ParseBytes(bytes, out address);
        return address is not null;
    }

    /// <summary>The address of a TCP endpoint: ip4 or ip6 (with its zone as a number) and tcp. An IPv4 address mapped into IPv6 becomes ip4.</summary>
    public static Multiaddr FromEndPoint(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        var ip = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address;
        if (ip.GetAddressBytes().Length == 4) return Parse(string.Create(CultureInfo.InvariantCulture, $"/ip4/{ip}/tcp/{endPoint.Port}"));
        var zone = ip.ScopeId == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"/ip6zone/{ip.ScopeId}");
        return Parse(string.Create(CultureInfo.InvariantCulture, $"{zone}/ip6/{new IPAddress(ip.GetAddressBytes())}/tcp/{endPoint.Port}"));
    }

    /// <summary>The address of a listener of the in-memory transport (multicodec 777), for tests and simulations.</summary>
    public static Multiaddr Memory(ulong number) => Parse(string.Create(CultureInfo.InvariantCulture, $"/memory/{number}"));

    /// <summary>The address without the p2p component at its end; the same object when there is none.</summary>
    /// <remarks>What named only a peer becomes the empty address, whose text is <c>/</c> and which leads nowhere.</remarks>
    public Multiaddr WithoutPeerId()
    {
        if (PeerId is null) return this;
        var tail = 2 + Varint.Length((ulong)PeerId.Bytes.Length) + PeerId.Bytes.Length;
        return new Multiaddr(_bytes[..^tail], _components[..^1]);
    }

    /// <summary>The address with this id as the p2p component at its end, in place of one that is there.</summary>
    /// <exception cref="FormatException">The address would be longer than an address may be, or ends in a unix path, which takes the rest of an address and so can name no peer.</exception>
    public Multiaddr WithPeerId(PeerId id)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (id == PeerId) return this;
        var bare = WithoutPeerId();
        if (bare._components is [.., { Protocol: "unix" }]) throw new FormatException($"{bare} can name no peer: its unix path takes the rest of the address. Give the peer id beside the address.");
        return Parse(bare._components.Length == 0 ? $"/p2p/{id}" : $"{bare}/p2p/{id}");
    }

    /// <summary>The endpoint of a plain TCP address: ip4 or ip6 and tcp, with nothing but a peer id behind.</summary>
    /// <returns>False for names, other transports, anything on top (ws, tls, p2p-circuit), and a zone that is no interface of this machine.</returns>
    public bool TryGetTcpEndPoint([NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = IsPlainTcp && HostAddress is { } ip ? new IPEndPoint(ip, Port!.Value) : null;
        return endPoint is not null;
    }

    /// <summary>The host and port of a plain TCP address: as <see cref="TryGetTcpEndPoint"/>, and for dns, dns4 and dns6 as well.</summary>
    public bool TryGetTcpHost([NotNullWhen(true)] out string? host, out int port)
    {
        var plain = IsPlainTcp && _components[0].Protocol != "dnsaddr";
        host = plain ? Host : null;
        port = plain ? Port!.Value : 0;
        return plain;
    }

    /// <summary>The IP address that the address begins with, with its zone; false for names and for what has no host.</summary>
    public bool TryGetIPAddress([NotNullWhen(true)] out IPAddress? address)
    {
        address = HostAddress;
        return address is not null;
    }

    /// <inheritdoc/>
    public bool Equals(Multiaddr? other) => other is not null && other._bytes.AsSpan().SequenceEqual(_bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Multiaddr);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>The canonical text.</summary>
    public override string ToString() => _text ??= _components.Length == 0 ? "/" : string.Concat(_components);

    private bool IsPlainTcp
    {
        get
        {
            var at = HostComponents;
            if (at == 0 || at >= _components.Length || _components[at].Protocol != "tcp") return false;
            return _components.Length == at + (PeerId is null ? 1 : 2);
        }
    }

    private static FormatException Invalid(string text, string error) => new($"The address '{Quote.Text(text)}' is invalid: {error}.");
}

/// <summary>One component of an address.</summary>
/// <param name="Protocol">The name in the multiaddr table, such as <c>ip4</c>.</param>
/// <param name="Value">The canonical text of the value; empty for protocols without one. A unix path begins with its slash.</param>
public readonly record struct MultiaddrComponent(string Protocol, string Value)
{
    /// <summary>The component as it stands in an address, such as <c>/tcp/4001</c>.</summary>
    public override string ToString() => string.IsNullOrEmpty(Value) ? $"/{Protocol}" : Value[0] == '/' ? $"/{Protocol}{Value}" : $"/{Protocol}/{Value}";
}
