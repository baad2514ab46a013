using System.Net;

namespace Starling.Protocols.Discovery;

/// <summary>Record types that multicast DNS service discovery uses (RFC 1035 §3.2.2, RFC 2782, RFC 3596).</summary>
public enum DnsType : ushort
{
    /// <summary>An IPv4 address.</summary>
    A = 1,

    /// <summary>A pointer to another name.</summary>
    Ptr = 12,

    /// <summary>Text attributes.</summary>
    Txt = 16,

    /// <summary>An IPv6 address.</summary>
    Aaaa = 28,

    /// <summary>Host and port of a service.</summary>
    Srv = 33,

    /// <summary>In a question: every type.</summary>
    Any = 255,
}

/// <summary>A question of a query.</summary>
/// <param name="Name">What is asked about.</param>
/// <param name="Type">Which records are wanted.</param>
public sealed record DnsQuestion(DnsName Name, DnsType Type);

/// <summary>A resource record.</summary>
/// <param name="Name">What the record is about.</param>
/// <param name="Ttl">Seconds that the record may be kept; 0 says good-bye (RFC 6762 §10.1).</param>
public abstract record DnsRecord(DnsName Name, uint Ttl)
{
    /// <summary>Points to another name.</summary>
    public sealed record Ptr(DnsName Name, uint Ttl, DnsName Target) : DnsRecord(Name, Ttl);

    /// <summary>Text attributes, each up to 255 bytes (RFC 6763 §6).</summary>
    public sealed record Txt(DnsName Name, uint Ttl, IReadOnlyList<ReadOnlyMemory<byte>> Strings) : DnsRecord(Name, Ttl);

    /// <summary>Host and port of a service; priority and weight are sent as 0 and ignored.</summary>
    public sealed record Srv(DnsName Name, uint Ttl, ushort Port, DnsName Target) : DnsRecord(Name, Ttl);

    /// <summary>An IPv4 (A) or IPv6 (AAAA) address.</summary>
    public sealed record Host(DnsName Name, uint Ttl, IPAddress Address) : DnsRecord(Name, Ttl);
}

/// <summary>Why a DNS message was refused.</summary>
public enum DnsError
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>The packet is larger than <see cref="DnsMessage.MaxPacket"/>.</summary>
    TooLarge,

    /// <summary>It ends inside a header, a name or a record, or a length does not fit.</summary>
    Malformed,

    /// <summary>More questions or records than <see cref="DnsMessage.MaxEntries"/>.</summary>
    TooManyEntries,
}

/// <summary>A multicast DNS message: questions or answers. Records of other types and classes are passed over when reading.</summary>
/// <param name="IsResponse">Whether it answers (QR = 1).</param>
/// <param name="Questions">The questions; usually empty in a response.</param>
/// <param name="Answers">The answer section.</param>
/// <param name="Additionals">The additional section; an authority section is passed over.</param>
public sealed record DnsMessage(
    bool IsResponse,
    IReadOnlyList<DnsQuestion> Questions,
    IReadOnlyList<DnsRecord> Answers,
    IReadOnlyList<DnsRecord> Additionals)
{
    /// <summary>The largest packet, in bytes (RFC 6762 §17).</summary>
    public const int MaxPacket = 9000;

    /// <summary>Questions and records that one packet may hold together. Reading costs at most one name of 255 bytes for each.</summary>
    public const int MaxEntries = 256;

    /// <summary>The longest string of a TXT record, in bytes (RFC 1035 §3.3).</summary>
    public const int MaxText = 255;

    /// <summary>A query with one question.</summary>
    public static DnsMessage Query(DnsName name, DnsType type) => new(false, [new DnsQuestion(name, type)], [], []);

    /// <summary>A response.</summary>
    public static DnsMessage Response(IReadOnlyList<DnsRecord> answers, IReadOnlyList<DnsRecord> additionals) => new(true, [], answers, additionals);

    /// <summary>Reads a packet. Takes time linear in the packet and at most <see cref="MaxEntries"/> names; never throws.</summary>
    public static DnsError TryRead(ReadOnlySpan<byte> packet, out DnsMessage? message) => new DnsReader(packet).Read(out message);

    /// <summary>Writes the packet, names compressed (RFC 1035 §4.1.4).</summary>
    /// <exception cref="InvalidOperationException">The message is larger than <see cref="MaxPacket"/> or a text longer than <see cref="MaxText"/>.</exception>
    public byte[] Write() => new DnsWriter().Write(this);
}
