namespace Starling.Net.PubSub.Groups;

/// <summary>An answer to a request over a topic.</summary>
/// <param name="From">Who answered.</param>
/// <param name="Data">The answer; the receiver's to keep.</param>
public sealed record TopicAnswer(PeerId From, ReadOnlyMemory<byte> Data);

/// <summary>Answers a request that came over a topic.</summary>
/// <param name="request">The request.</param>
/// <param name="cancellationToken">Fires when nobody waits for the answer any more.</param>
/// <returns>The answer; not to be changed afterwards. An exception answers with its message.</returns>
public delegate ValueTask<ReadOnlyMemory<byte>> TopicResponder(TopicRequest request, CancellationToken cancellationToken);

/// <summary>A request that came over a topic.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="From">Who asks.</param>
/// <param name="Data">The request; the receiver's to keep.</param>
/// <param name="IsRedelivered">Whether another responder may have begun with it.</param>
public sealed record TopicRequest(string Topic, PeerId From, ReadOnlyMemory<byte> Data, bool IsRedelivered);

/// <summary>How a node answers requests over a topic.</summary>
public sealed class RespondOptions
{
    /// <summary>The responders of one group share the requests: each is answered by one of them, by another when that one dies. Default <c>responders</c>; null answers every request.</summary>
    /// <remarks>Several groups each answer every request, as do responders without one; an asker takes the first answer, or gathers them.</remarks>
    public string? Group { get; set; } = "responders";

    /// <summary>Requests handled at once. Default 16, at least 1. With a group see <see cref="GroupJoinOptions"/>.</summary>
    public int MaxInFlight { get; set; } = 16;

    /// <summary>How the group works; null takes the defaults with at most three attempts.</summary>
    public GroupJoinOptions? GroupOptions { get; set; }
}
