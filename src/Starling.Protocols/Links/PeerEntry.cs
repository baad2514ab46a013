using System.Globalization;

namespace Starling.Protocols.Links;

/// <summary>Who told of an address; a later one in this list is trusted more.</summary>
public enum AddressSource
{
    /// <summary>Another peer told.</summary>
    Hearsay,

    /// <summary>Another peer handed on a record that the peer itself had signed.</summary>
    SignedRecord,

    /// <summary>A discovery on this network found it.</summary>
    Discovery,

    /// <summary>The peer itself told on a link, or a link was made there.</summary>
    Identify,

    /// <summary>This node's user or configuration.</summary>
    User,
}

/// <summary>One peer of a peer book: a snapshot.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Addresses">Where it may be reached, the best first: where a link was made last, then by the trust in who told, then the latest told.</param>
/// <param name="IsStatic">Whether it is kept for ever.</param>
/// <param name="LastSeen">When a link to it was last ready, by the node's clock, or null.</param>
/// <param name="Failures">Dials that failed since then.</param>
/// <param name="IsDead">Whether it was given up: it has no addresses, and hearsay does not bring it back.</param>
public sealed record PeerEntry(PeerId Peer, IReadOnlyList<PeerAddress> Addresses, bool IsStatic, DateTimeOffset? LastSeen, int Failures, bool IsDead)
{
    /// <summary>Whether a link to it is ready.</summary>
    public bool IsLinked { get; init; }

    /// <summary>Whether it is a direct neighbour, or was one when the link was lost or this node stopped: whom a restarted node goes back to.</summary>
    public bool IsNeighbour { get; init; }

    /// <summary>When it was given up, or null.</summary>
    public DateTimeOffset? Died { get; init; }

    /// <summary>The sequence number of the newest record that the peer signed, 0 when none is known.</summary>
    public ulong RecordSequence { get; init; }

    /// <summary>That record's envelope, to be handed on to others; empty when none is known or it was too long to keep.</summary>
    public ReadOnlyMemory<byte> SignedRecord { get; init; }

    /// <summary>One line for people: who, what it is to this node, and where.</summary>
    public override string ToString()
    {
        var state = IsLinked ? "linked" : IsDead ? "given up" : LastSeen is { } seen ? string.Create(CultureInfo.InvariantCulture, $"seen {seen:u}") : "never seen";
        return $"{Peer} {state}{(IsStatic ? ", static" : "")}{(IsNeighbour ? ", neighbour" : "")}{(Failures > 0 ? $", {Failures} failed dials" : "")}: {string.Join(' ', Addresses.Select(address => address.Address))}";
    }
}

/// <summary>One address of a <see cref="PeerEntry"/>.</summary>
/// <param name="Address">Without peer id.</param>
/// <param name="Source">The most trusted one that told of it.</param>
/// <param name="Heard">When it was last told.</param>
/// <param name="Succeeded">When a link was last made at it, or null.</param>
public sealed record PeerAddress(Multiaddr Address, AddressSource Source, DateTimeOffset Heard, DateTimeOffset? Succeeded)
{
    /// <summary>Whether the address was dialled without a peer id and this peer answered first: trusted on first use, whoever else answers there later is refused.</summary>
    public bool IsPinned { get; init; }
}
