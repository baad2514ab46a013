namespace Starling;

/// <summary>The base of every error that Starling reports; the message is written for people.</summary>
public class StarlingException : Exception
{
    /// <summary>Creates the error.</summary>
    public StarlingException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>The link is closed, or closed during the call.</summary>
public sealed class ConnectionClosedException(CloseInfo info)
    : StarlingException($"The link is closed ({info}).", info.Cause)
{
    /// <summary>Why the link closed.</summary>
    public CloseInfo Info { get; } = info;
}

/// <summary>The stream was reset, by either side or with its link.</summary>
public sealed class StreamResetException : StarlingException
{
    /// <summary>Creates the error.</summary>
    public StreamResetException(string message, bool byRemote, Exception? inner = null)
        : base(message, inner) => ByRemote = byRemote;

    /// <summary>Whether the other side reset the stream.</summary>
    public bool ByRemote { get; }
}

/// <summary>A write was cancelled after part of it had been accepted; exactly that part will be delivered.</summary>
public sealed class WriteCanceledException(long bytesAccepted, CancellationToken cancellationToken)
    : OperationCanceledException($"The write was cancelled after {bytesAccepted} bytes were accepted.", cancellationToken)
{
    /// <summary>Bytes from the start of the buffer that were accepted and will be delivered, in order, before any later write.</summary>
    public long BytesAccepted { get; } = bytesAccepted;
}

/// <summary>The stages of making a link; says where a dial or an accept failed.</summary>
public enum HandshakeFailure
{
    /// <summary>No transport here can dial this address.</summary>
    UnsupportedAddress,

    /// <summary>The transport could not connect: refused, unreachable, unknown name.</summary>
    TransportFailed,

    /// <summary>The time for it ran out.</summary>
    TimedOut,

    /// <summary>The two sides share no security protocol or multiplexer.</summary>
    NoCommonProtocol,

    /// <summary>The other side broke the handshake's framing or order.</summary>
    Malformed,

    /// <summary>The byte stream ended during the handshake.</summary>
    Disconnected,

    /// <summary>The identity that answered is not the one that was dialled.</summary>
    PeerIdMismatch,

    /// <summary>The other side sent no certificate.</summary>
    CertificateMissing,

    /// <summary>The other side sent more than one certificate.</summary>
    CertificateChainTooLong,

    /// <summary>The certificate is not yet, or no longer, valid.</summary>
    CertificateDates,

    /// <summary>The certificate's self-signature does not verify.</summary>
    CertificateSelfSignature,

    /// <summary>The certificate lacks the libp2p extension, or it cannot be read.</summary>
    CertificateExtension,

    /// <summary>The signature in the libp2p extension does not verify.</summary>
    CertificateKeySignature,

    /// <summary>The certificate holds a critical extension that is not understood.</summary>
    CertificateCriticalExtension,

    /// <summary>The certificate or its key is malformed or of an unsupported kind.</summary>
    CertificateMalformed,

    /// <summary>The Noise payload's identity signature does not verify.</summary>
    NoisePayloadSignature,

    /// <summary>The other side refused us, or closed before the link was ready.</summary>
    RefusedByRemote,

    /// <summary>This node refused: a limit, a restriction or the host's hook.</summary>
    RefusedLocally,

    /// <summary>The address leads back to this very node.</summary>
    SelfDial,

    /// <summary>Identify failed or did not finish in time.</summary>
    IdentifyFailed,
}

/// <summary>A link could not be made; <see cref="Failure"/> says at which stage and the message says why.</summary>
public sealed class HandshakeException(HandshakeFailure failure, string message, Exception? inner = null)
    : StarlingException(message, inner)
{
    /// <summary>The stage and kind of the failure.</summary>
    public HandshakeFailure Failure { get; } = failure;
}

/// <summary>The other side does not speak any of the proposed protocols (multistream-select answered <c>na</c>).</summary>
public sealed class ProtocolNotSupportedException(IReadOnlyList<string> proposed)
    : StarlingException($"The peer speaks none of: {string.Join(", ", proposed)}.")
{
    /// <summary>The protocol ids that were proposed.</summary>
    public IReadOnlyList<string> Proposed { get; } = proposed;
}

/// <summary>The other side broke a protocol; its input was refused.</summary>
public sealed class ProtocolViolationException(string message, Exception? inner = null) : StarlingException(message, inner);
