namespace Starling.Protocols.Requests;

/// <summary>What a frame of the request protocol says.</summary>
public enum RequestFrameKind
{
    /// <summary>Caller: serve this request.</summary>
    Call = 1,

    /// <summary>Caller: the answer is not wanted any more.</summary>
    Cancel = 2,

    /// <summary>Server: the answer, whole.</summary>
    Reply = 3,

    /// <summary>Server: the next part of a streamed answer.</summary>
    Item = 4,

    /// <summary>Server: the streamed answer is complete.</summary>
    End = 5,

    /// <summary>Server: there is no answer, or no more of it; says why.</summary>
    Error = 6,
}

/// <summary>One frame of <c>/starling/request/1.0.0</c>. Its spans lie in the buffer that it was read from, or will be copied from where they are.</summary>
public readonly ref struct RequestFrame
{
    /// <summary>The call, numbered by the caller: rising on one stream.</summary>
    public ulong Id { get; init; }

    /// <summary>What the frame says.</summary>
    public RequestFrameKind Kind { get; init; }

    /// <summary>Of a call: the handler's name, UTF-8. Empty: the name of the stream's call before.</summary>
    public ReadOnlySpan<byte> Name { get; init; }

    /// <summary>Of a call: milliseconds for which the caller will wait; 0 says nothing of it.</summary>
    public ulong TimeoutMilliseconds { get; init; }

    /// <summary>Of a call: whether the caller takes a streamed answer.</summary>
    public bool Streaming { get; init; }

    /// <summary>Of a call: the W3C trace context (<c>traceparent</c>), 55 ASCII characters; empty without one.</summary>
    public ReadOnlySpan<byte> TraceParent { get; init; }

    /// <summary>Of an error: its kind.</summary>
    public RequestFailure Failure { get; init; }

    /// <summary>Of an error: a sentence for people, UTF-8; may be empty.</summary>
    public ReadOnlySpan<byte> Message { get; init; }

    /// <summary>Of a call, reply or item.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }
}
