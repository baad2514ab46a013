namespace Starling.Protocols.Joining;

/// <summary>The reply to a request to join: one byte, 1 for accepted and 0 for refused, and then the host's bytes or the reason as UTF-8 text.</summary>
public static class JoinReply
{
    /// <summary>The name of the request.</summary>
    public const string RequestName = "starling.join";

    /// <summary>Bytes of the largest request and of the largest answer.</summary>
    public const int MaxPayload = 64 * 1024;

    /// <summary>Characters of a reason that are sent and read.</summary>
    public const int MaxReason = 256;

    /// <summary>Writes that the peer is accepted.</summary>
    /// <exception cref="ArgumentException">The answer is too large.</exception>
    public static byte[] Accepted(ReadOnlySpan<byte> answer)
    {
        if (answer.Length > MaxPayload) throw new ArgumentException($"An answer to a request to join has {answer.Length} bytes; {MaxPayload} is the most.", nameof(answer));
        return [1, .. answer];
    }

    /// <summary>Writes that the peer is refused, and why; cut where it is too long.</summary>
    public static byte[] Refused(string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        return [0, .. System.Text.Encoding.UTF8.GetBytes(reason.Length > MaxReason ? reason[..MaxReason] : reason)];
    }

    /// <summary>Reads a reply.</summary>
    /// <param name="reply">The bytes.</param>
    /// <param name="isAccepted">Whether the peer accepts.</param>
    /// <param name="reason">Why not, without control characters; null when it accepts.</param>
    /// <param name="answer">The host's bytes, in place; empty when it refuses.</param>
    /// <returns>False when these bytes are no reply.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> reply, out bool isAccepted, out string? reason, out ReadOnlyMemory<byte> answer)
    {
        (isAccepted, reason, answer) = (false, null, default);
        if (reply.Length is 0 or > MaxPayload + 1 || reply.Span[0] > 1) return false;
        isAccepted = reply.Span[0] == 1;
        if (isAccepted)
        {
            answer = reply[1..];
            return true;
        }

        if (reply.Length > (MaxReason * 4) + 1) return false;
        var text = System.Text.Encoding.UTF8.GetString(reply.Span[1..]);
        reason = string.Concat(text.Take(MaxReason).Select(letter => char.IsControl(letter) ? ' ' : letter));
        return true;
    }
}
