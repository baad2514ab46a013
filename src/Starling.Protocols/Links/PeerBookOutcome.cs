namespace Starling.Protocols.Links;

/// <summary>What a <see cref="PeerBookCore"/> did with what it was told; a metric tag.</summary>
public enum PeerBookOutcome
{
    /// <summary>It was noted.</summary>
    Noted,

    /// <summary>It was known already.</summary>
    Known,

    /// <summary>The peer was given up, and this was hearsay.</summary>
    Dead,

    /// <summary>The book is full of peers that are worth more.</summary>
    Full,

    /// <summary>It was about this very node.</summary>
    Self,

    /// <summary>No address leads to the peer: none given, or wildcards, port 0 or another peer's.</summary>
    Unusable,

    /// <summary>The record is not newer than the one that is known.</summary>
    OldRecord,

    /// <summary>The record's signature, key and peer id do not agree, or it is malformed.</summary>
    BadRecord,
}
