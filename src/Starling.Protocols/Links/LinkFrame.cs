namespace Starling.Protocols.Links;

/// <summary>One message of link control, by which two Starling nodes speak about the link itself.</summary>
public abstract record LinkFrame
{
    private LinkFrame()
    {
    }

    /// <summary>The sender is about to close the link.</summary>
    /// <param name="Reason">Why, or null when the sender's reason is not known here.</param>
    /// <param name="Text">A sentence for people, at most <see cref="LinkFrameCodec.MaxTextLength"/> characters; nobody verifies it.</param>
    public sealed record Goodbye(CloseReason? Reason, string Text) : LinkFrame;

    /// <summary>The sender wants the link to be of a kind.</summary>
    /// <param name="Kind">Which.</param>
    public sealed record Proposal(LinkKind Kind) : LinkFrame;

    /// <summary>What became of the receiver's only open proposal.</summary>
    /// <param name="Accepted">Whether the link is of the proposed kind now.</param>
    /// <param name="Text">Why not, for people, at most <see cref="LinkFrameCodec.MaxTextLength"/> characters.</param>
    public sealed record Answer(bool Accepted, string Text) : LinkFrame;

    /// <summary>Whether the sender's application is ready.</summary>
    /// <param name="IsReady">False takes it back.</param>
    public sealed record Readiness(bool IsReady) : LinkFrame;

    /// <summary>Something of a later version, to be passed over.</summary>
    public sealed record Unknown : LinkFrame;
}
