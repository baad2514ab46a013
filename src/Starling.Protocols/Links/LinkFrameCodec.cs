using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Starling.Protocols.Links.Wire;

namespace Starling.Protocols.Links;

/// <summary>Reads and writes the messages of <c>/starling/link/1.0.0</c>, each of them framed by its length.</summary>
public static class LinkFrameCodec
{
    /// <summary>The protocol id.</summary>
    public const string Protocol = "/starling/link/1.0.0";

    /// <summary>Bytes of one message at most, without its length prefix.</summary>
    public const int MaxFrameLength = 2048;

    /// <summary>Characters of a text; longer ones are cut, by the sender and by the receiver.</summary>
    public const int MaxTextLength = 256;

    /// <summary>The reasons that the other side is told, in the order of their numbers on the wire, which begin with 1.</summary>
    private static readonly CloseReason[] Reasons =
    [
        CloseReason.LocalClose,
        CloseReason.NodeStopping,
        CloseReason.Refused,
        CloseReason.Blocked,
        CloseReason.Pruned,
        CloseReason.Unused,
        CloseReason.BudgetExceeded,
    ];

    /// <summary>Whether the other side is told of a close for this reason. The rest is either plain to see there or none of its business.</summary>
    public static bool IsTold(CloseReason reason) => Array.IndexOf(Reasons, reason) >= 0;

    /// <summary>Encodes a message, without its length prefix. Texts are cleaned and cut.</summary>
    /// <exception cref="ArgumentException">There is nothing to send: the message is <see cref="LinkFrame.Unknown"/>.</exception>
    public static byte[] Encode(LinkFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        var wire = frame switch
        {
            LinkFrame.Goodbye goodbye => new LinkControl { Goodbye = Encode(goodbye) },
            LinkFrame.Proposal proposal => new LinkControl { Proposal = new LinkControl.Types.Proposal { Kind = proposal.Kind == LinkKind.Direct ? 1u : 0u } },
            LinkFrame.Answer answer => new LinkControl { Answer = new LinkControl.Types.Answer { Accepted = answer.Accepted, Text = Clean(answer.Text) } },
            LinkFrame.Readiness readiness => new LinkControl { Ready = readiness.IsReady },
            _ => throw new ArgumentException("An unknown message cannot be sent.", nameof(frame)),
        };
        return wire.ToByteArray();
    }

    /// <summary>Decodes one whole message.</summary>
    /// <param name="bytes">Without the length prefix, at most <see cref="MaxFrameLength"/> bytes.</param>
    /// <param name="frame">The message, its texts cleaned and cut; or null.</param>
    /// <returns>Whether the bytes are a message, also one that is not known here.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out LinkFrame? frame)
    {
        frame = null;
        if (bytes.Length > MaxFrameLength) return false;
        LinkControl wire;
        try
        {
            wire = LinkControl.Parser.ParseFrom(bytes);
        }
        catch (Exception error) when (error is InvalidProtocolBufferException or IndexOutOfRangeException or ArgumentException)
        {
            // The parser runs off the end where a message within a message announces a length beyond 2 GiB.
            return false;
        }

        frame = wire.ContentCase switch
        {
            LinkControl.ContentOneofCase.Goodbye => new LinkFrame.Goodbye(ReasonOf(wire.Goodbye.Reason), Clean(wire.Goodbye.Text)),
            LinkControl.ContentOneofCase.Proposal when wire.Proposal.Kind <= 1 => new LinkFrame.Proposal(wire.Proposal.Kind == 1 ? LinkKind.Direct : LinkKind.Transient),
            LinkControl.ContentOneofCase.Answer => new LinkFrame.Answer(wire.Answer.Accepted, Clean(wire.Answer.Text)),
            LinkControl.ContentOneofCase.Ready => new LinkFrame.Readiness(wire.Ready),
            _ => new LinkFrame.Unknown(),
        };
        return true;
    }

    private static LinkControl.Types.Goodbye Encode(LinkFrame.Goodbye goodbye)
    {
        var wire = new LinkControl.Types.Goodbye { Text = Clean(goodbye.Text) };
        if (goodbye.Reason is { } reason && IsTold(reason)) wire.Reason = (uint)Array.IndexOf(Reasons, reason) + 1;
        return wire;
    }

    private static CloseReason? ReasonOf(uint number) => number >= 1 && number <= Reasons.Length ? Reasons[number - 1] : null;

    private static string Clean(string text) => IdentifyCodec.Clean(text, MaxTextLength);
}
