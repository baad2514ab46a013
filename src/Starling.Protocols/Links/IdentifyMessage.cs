namespace Starling.Protocols.Links;

/// <summary>What one identify or push told, as claimed by the peer. Null or empty means: not told, keep what was known.</summary>
public sealed record IdentifyMessage
{
    /// <summary>The peer's public key in its protobuf form, or null.</summary>
    public ReadOnlyMemory<byte>? PublicKey { get; init; }

    /// <summary>Where the peer listens, without malformed addresses.</summary>
    public IReadOnlyList<Multiaddr> ListenAddresses { get; init; } = [];

    /// <summary>Protocol ids that the peer serves.</summary>
    public IReadOnlyList<string> Protocols { get; init; } = [];

    /// <summary>The receiver's address as the sender sees it, or null.</summary>
    public Multiaddr? ObservedAddress { get; init; }

    /// <summary>The protocol version of the peer's application, or null.</summary>
    public string? ProtocolVersion { get; init; }

    /// <summary>Name and version of the peer's program, or null.</summary>
    public string? AgentVersion { get; init; }

    /// <summary>The display name of a Starling node, or null.</summary>
    public string? DisplayName { get; init; }

    /// <summary>Whether the peer, who dialled, means this link to be transient.</summary>
    public bool IsTransient { get; init; }

    /// <summary>The signed peer record, raw and unverified; empty when not told.</summary>
    public ReadOnlyMemory<byte> SignedPeerRecord { get; init; }

    /// <summary>Addresses and protocol ids that were passed over: malformed, too long, or beyond the count that is kept.</summary>
    public int Skipped { get; init; }
}
