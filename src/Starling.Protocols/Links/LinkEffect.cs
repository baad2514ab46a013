namespace Starling.Protocols.Links;

/// <summary>Names one link of this node for as long as the node runs.</summary>
/// <param name="Value">Given by the shell, never used twice.</param>
public readonly record struct LinkId(long Value);

/// <summary>Names one request to connect.</summary>
/// <param name="Value">Given by the shell, never used twice.</param>
public readonly record struct DialId(long Value);

/// <summary>What a <see cref="LinksCore"/> asks of its shell.</summary>
public abstract record LinkEffect
{
    private LinkEffect()
    {
    }

    /// <summary>Start to dial for this request; answer with <see cref="LinksCore.LinkUp"/> or <see cref="LinksCore.DialFailed"/>.</summary>
    /// <param name="Dial">The request.</param>
    public sealed record BeginDial(DialId Dial) : LinkEffect;

    /// <summary>The request ends well with this link. Work still under way for it is to be cancelled.</summary>
    /// <param name="Dial">The request, unknown from now on.</param>
    /// <param name="Link">A ready link to the wanted peer, not always the one that this request dialled.</param>
    public sealed record CompleteDial(DialId Dial, LinkId Link) : LinkEffect;

    /// <summary>The request ends without a link.</summary>
    /// <param name="Dial">The request, unknown from now on.</param>
    /// <param name="Failure">Where it failed.</param>
    /// <param name="Message">A sentence for people.</param>
    public sealed record FailDial(DialId Dial, HandshakeFailure Failure, string Message) : LinkEffect;

    /// <summary>Start to serve the link's streams and ask the peer to identify itself. Until then the link answers nothing.</summary>
    /// <param name="Link">The link.</param>
    public sealed record Adopt(LinkId Link) : LinkEffect;

    /// <summary>The link is ready and is the one link to its peer.</summary>
    /// <param name="Link">The link.</param>
    public sealed record Connected(LinkId Link) : LinkEffect;

    /// <summary>The one link to a peer has ended, or is being closed.</summary>
    /// <param name="Link">The link that was announced by <see cref="Connected"/>.</param>
    /// <param name="Why">The first reason that was given.</param>
    public sealed record Disconnected(LinkId Link, CloseInfo Why) : LinkEffect;

    /// <summary>Close the link; <see cref="LinksCore.LinkDown"/> follows when it is gone.</summary>
    /// <param name="Link">The link.</param>
    /// <param name="Why">What the user, the log and the metrics are told.</param>
    public sealed record Close(LinkId Link, CloseInfo Why) : LinkEffect;

    /// <summary>Find out whether the link is still alive; answer with <see cref="LinksCore.ProbeEnded"/>.</summary>
    /// <param name="Link">The link.</param>
    public sealed record Probe(LinkId Link) : LinkEffect;
}
