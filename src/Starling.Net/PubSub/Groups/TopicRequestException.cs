namespace Starling.Net.PubSub.Groups;

/// <summary>Why a request over a topic has no answer.</summary>
public enum TopicRequestFailure
{
    /// <summary>Nobody answers requests of this topic, as far as this node's neighbours know. Told at once.</summary>
    NoResponders,

    /// <summary>No answer came in time.</summary>
    Timeout,

    /// <summary>The responder's handler failed; the message says what it said.</summary>
    Failed,

    /// <summary>The request is larger than a message may be.</summary>
    TooLarge,

    /// <summary>The request could not be sent: queues are full, or the node is stopping.</summary>
    NotSent,

    /// <summary>As many requests wait for answers as may.</summary>
    Busy,
}

/// <summary>A request over a topic has no answer.</summary>
public sealed class TopicRequestException(TopicRequestFailure failure, string message, Exception? inner = null) : StarlingException(message, inner)
{
    /// <summary>Why.</summary>
    public TopicRequestFailure Failure { get; } = failure;
}
