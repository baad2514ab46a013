using System.Diagnostics.CodeAnalysis;

namespace Starling.Protocols.Links;

/// <summary>What a blocklist names: a peer, or a range of IP addresses.</summary>
public sealed record BlockSubject
{
    private BlockSubject(PeerId? peer, IpPrefix? addresses) => (Peer, Addresses) = (peer, addresses);

    /// <summary>The peer, or null.</summary>
    public PeerId? Peer { get; }

    /// <summary>The addresses, or null.</summary>
    public IpPrefix? Addresses { get; }

    /// <summary>A peer, wherever it is.</summary>
    public static BlockSubject Of(PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return new BlockSubject(peer, null);
    }

    /// <summary>Whoever is at these addresses.</summary>
    public static BlockSubject Of(IpPrefix addresses) => new(null, addresses);

    /// <summary>Parses a peer id, an IP address, or a range such as <c>10.0.0.0/8</c>.</summary>
    /// <exception cref="FormatException">It is none of them; the message says what to write.</exception>
    public static BlockSubject Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out var subject, out var error) ? subject : throw new FormatException($"'{new string([.. text.Take(80).Where(letter => !char.IsControl(letter))])}' cannot be blocked: {error}.");
    }

    /// <summary>Parses a peer id, an IP address, or a range such as <c>10.0.0.0/8</c>, or says in part of a sentence what is wrong.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out BlockSubject? subject, [NotNullWhen(false)] out string? error)
    {
        subject = null;
        if (text?.AsSpan().IndexOfAny('.', ':', '/') >= 0)
        {
            if (IpPrefix.TryParse(text, out var addresses, out error)) subject = Of(addresses);
        }
        else if (PeerId.TryParse(text, out var peer, out error))
        {
            subject = Of(peer);
        }
        else
        {
            error = $"it is neither an address, nor a range such as 192.0.2.0/24, nor a peer id ({error})";
        }

        return subject is not null;
    }

    /// <summary>The peer id or the range.</summary>
    public override string ToString() => Peer?.ToString() ?? Addresses!.Value.ToString();
}

/// <summary>One entry of a blocklist.</summary>
/// <param name="Subject">Who is blocked.</param>
/// <param name="Added">Since when, by the node's clock.</param>
/// <param name="Expires">Until when; null for ever.</param>
/// <param name="Note">Why, for people; at most 256 characters. The other side is not told.</param>
public sealed record BlockEntry(BlockSubject Subject, DateTimeOffset Added, DateTimeOffset? Expires = null, string Note = "")
{
    /// <summary>The most characters of a note.</summary>
    public const int MaxNoteLength = 256;

    /// <summary>Whether it no longer holds.</summary>
    public bool HasExpired(DateTimeOffset now) => Expires <= now;
}
