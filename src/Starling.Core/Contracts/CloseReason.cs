namespace Starling;

/// <summary>Why a link ended. The first reason wins; it is a metric tag and reaches the user.</summary>
public enum CloseReason
{
    /// <summary>The link is open.</summary>
    None = 0,

    /// <summary>This node closed the link on request.</summary>
    LocalClose,

    /// <summary>The other side said good-bye (yamux go-away, normal).</summary>
    RemoteClose,

    /// <summary>The other side reported a protocol error of ours (yamux go-away 1).</summary>
    RemoteProtocolError,

    /// <summary>The other side reported an internal error of its own (yamux go-away 2).</summary>
    RemoteInternalError,

    /// <summary>The byte stream ended without a good-bye: the process died or the network cut it.</summary>
    EndOfStream,

    /// <summary>The transport failed, for example by a TCP reset.</summary>
    TransportError,

    /// <summary>The other side broke the protocol.</summary>
    ProtocolError,

    /// <summary>The other side did not answer keep-alive pings in time.</summary>
    KeepAliveTimeout,

    /// <summary>A second link to the same peer lost to the one that is kept.</summary>
    DuplicateLink,

    /// <summary>Admission refused the link: a limit, a restriction or the host's hook.</summary>
    Refused,

    /// <summary>Identify did not succeed in time.</summary>
    IdentifyFailed,

    /// <summary>A resource budget was exhausted.</summary>
    BudgetExceeded,

    /// <summary>This node is stopping.</summary>
    NodeStopping,

    /// <summary>A fault in this program; the detail says which.</summary>
    InternalError,

    /// <summary>The peer or its address is on the blocklist.</summary>
    Blocked,

    /// <summary>There were more links than wanted, and this one was the least useful.</summary>
    Pruned,

    /// <summary>A transient link carried nothing for its time.</summary>
    Unused,
}

/// <summary>How a link ended: the reason, a sentence for people, and the exception behind it where there was one.</summary>
/// <param name="Reason">The first reason that was given.</param>
/// <param name="Detail">A sentence for people; empty when the reason says it all.</param>
/// <param name="Cause">The exception that ended the link, or null.</param>
/// <param name="RemoteReason">With <see cref="CloseReason.RemoteClose"/>: the reason that a Starling peer gave, which nobody verifies; null when it gave none.</param>
public sealed record CloseInfo(CloseReason Reason, string Detail = "", Exception? Cause = null, CloseReason? RemoteReason = null)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        var reason = RemoteReason is { } given ? $"{Reason}, {given}" : Reason.ToString();
        return Detail.Length == 0 ? reason : $"{reason}: {Detail}";
    }
}
