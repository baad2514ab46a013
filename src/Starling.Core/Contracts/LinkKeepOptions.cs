namespace Starling;

/// <summary>How a link that the user asked to keep is kept.</summary>
public sealed record LinkKeepOptions
{
    /// <summary>Whether the link is made again when it is lost. Default true. Without, the peer is dialled until it is linked once.</summary>
    public bool Reconnect { get; init; } = true;

    /// <summary>Dials without success, from the request or from the loss of the link, after which the peer is given up. Default null: never. At least 1.</summary>
    public int? Limit { get; init; }

    /// <summary>How much the link matters. Default null: what it was, at first <see cref="LinkPriority.Medium"/>.</summary>
    public LinkPriority? Priority { get; init; }
}
