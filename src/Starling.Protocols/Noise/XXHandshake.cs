using System.Security.Cryptography;

namespace Starling.Protocols.Noise;

/// <summary>The pattern <c>Noise_XX_25519_ChaChaPoly_SHA256</c> (Noise, sections 5.3 and 7.5): three messages, after which both sides know each other's static key.</summary>
/// <remarks>
/// <para>The initiator writes messages 0 and 2, the responder message 1. It only runs the pattern: what the payloads
/// mean and who the static keys belong to is <see cref="NoiseHandshake"/>'s.</para>
/// <para>Pure and not safe for several threads. The keys stay the caller's; disposing clears the handshake's own secrets.</para>
/// </remarks>
public sealed class XXHandshake : IDisposable
{
    private const int KeyLength = X25519Key.Length;
    private const int SealedKeyLength = KeyLength + NoiseFrame.TagLength;

    private readonly SymmetricState _symmetric;
    private readonly bool _initiator;
    private readonly X25519Key _static;
    private readonly X25519Key _ephemeral;
    private readonly byte[] _remoteEphemeral = new byte[KeyLength];
    private readonly byte[] _remoteStatic = new byte[KeyLength];
    private int _next;
    private bool _failed;

    /// <summary>Starts the pattern.</summary>
    /// <param name="side">Who dialled: <see cref="Direction.Outbound"/> is the initiator.</param>
    /// <param name="staticKey">This side's long-lived key.</param>
    /// <param name="ephemeralKey">A key made for this handshake only.</param>
    /// <param name="prologue">What both sides must agree on beforehand; empty in libp2p.</param>
    public XXHandshake(Direction side, X25519Key staticKey, X25519Key ephemeralKey, ReadOnlySpan<byte> prologue = default)
    {
        ArgumentNullException.ThrowIfNull(staticKey);
        ArgumentNullException.ThrowIfNull(ephemeralKey);
        _initiator = side == Direction.Outbound;
        _static = staticKey;
        _ephemeral = ephemeralKey;
        _symmetric = new SymmetricState("Noise_XX_25519_ChaChaPoly_SHA256"u8, prologue);
    }

    /// <summary>Whether all three messages are through.</summary>
    public bool IsComplete => _next == 3;

    /// <summary>Whether it is this side's turn to write.</summary>
    public bool WritesNext => !IsComplete && _next % 2 == 0 == _initiator;

    /// <summary>How much longer than its payload the next message is, bytes.</summary>
    public int Overhead => _next switch
    {
        0 => KeyLength,
        1 => KeyLength + SealedKeyLength + NoiseFrame.TagLength,
        _ => SealedKeyLength + NoiseFrame.TagLength,
    };

    /// <summary>The other side's static key; authentic once its message was read, known to be who it claims only by the payload.</summary>
    public ReadOnlySpan<byte> RemoteStatic => _remoteStatic;

    /// <summary>The hash over the whole handshake, which names this session (Noise, section 11.2).</summary>
    public ReadOnlySpan<byte> HandshakeHash => _symmetric.Hash;

    /// <summary>Writes this side's next message.</summary>
    /// <param name="payload">At most what keeps the message within <see cref="NoiseFrame.MaxMessage"/>.</param>
    /// <param name="message">Receives <see cref="Overhead"/> more bytes than the payload has.</param>
    /// <returns>The bytes written.</returns>
    /// <exception cref="HandshakeException">The other side's key is of small order.</exception>
    /// <exception cref="InvalidOperationException">It is not this side's turn, or the handshake had failed.</exception>
    public int Write(ReadOnlySpan<byte> payload, Span<byte> message)
    {
        if (!WritesNext || _failed) throw new InvalidOperationException("It is not this side's turn to write.");
        var length = Overhead + payload.Length;
        if (length > NoiseFrame.MaxMessage) throw new ArgumentException($"The payload of {payload.Length} bytes does not fit in a Noise message.", nameof(payload));
        var rest = message[..length];
        if (_next < 2)
        {
            _ephemeral.PublicKey.Span.CopyTo(rest);
            _symmetric.MixHash(_ephemeral.PublicKey.Span);
            rest = rest[KeyLength..];
        }

        if (_next == 1) Mix(_ephemeral, _remoteEphemeral);
        if (_next > 0)
        {
            _symmetric.EncryptAndHash(_static.PublicKey.Span, rest[..SealedKeyLength]);
            rest = rest[SealedKeyLength..];
            Mix(_static, _remoteEphemeral);
        }

        _symmetric.EncryptAndHash(payload, rest);
        _next++;
        return length;
    }

    /// <summary>Reads the other side's next message.</summary>
    /// <param name="message">The whole message, without the length before it.</param>
    /// <param name="payload">Receives <see cref="Overhead"/> fewer bytes than the message has.</param>
    /// <returns>The payload's length.</returns>
    /// <exception cref="HandshakeException">The message is too short, was altered, or holds a key of small order. The handshake is then of no more use.</exception>
    /// <exception cref="InvalidOperationException">It is this side's turn to write, or the handshake had failed.</exception>
    public int Read(ReadOnlySpan<byte> message, Span<byte> payload)
    {
        if (WritesNext || IsComplete || _failed) throw new InvalidOperationException("It is not the other side's turn to write.");
        _failed = true;
        var length = message.Length - Overhead;
        if (length < 0) throw Malformed($"has {message.Length} bytes and needs {Overhead} at least");
        var rest = message;
        if (_next < 2)
        {
            rest[..KeyLength].CopyTo(_remoteEphemeral);
            _symmetric.MixHash(_remoteEphemeral);
            rest = rest[KeyLength..];
        }

        if (_next == 1) Mix(_ephemeral, _remoteEphemeral);
        if (_next > 0)
        {
            if (!_symmetric.TryDecryptAndHash(rest[..SealedKeyLength], _remoteStatic)) throw Malformed("does not decrypt: it was altered, or meant for another session");
            rest = rest[SealedKeyLength..];
            Mix(_ephemeral, _remoteStatic);
        }

        if (!_symmetric.TryDecryptAndHash(rest, payload[..length])) throw Malformed("does not decrypt: its payload was altered");
        _failed = false;
        _next++;
        return length;
    }

    /// <summary>The two transport ciphers of a complete handshake, which the caller then owns.</summary>
    /// <exception cref="InvalidOperationException">The handshake is not complete.</exception>
    public (NoiseCipher Sending, NoiseCipher Receiving) Split()
    {
        if (!IsComplete) throw new InvalidOperationException("The handshake is not complete.");
        var (fromInitiator, fromResponder) = _symmetric.Split();
        return _initiator ? (fromInitiator, fromResponder) : (fromResponder, fromInitiator);
    }

    /// <inheritdoc/>
    public void Dispose() => _symmetric.Dispose();

    private void Mix(X25519Key own, ReadOnlySpan<byte> remote)
    {
        Span<byte> secret = stackalloc byte[KeyLength];
        if (!own.TryDeriveSecret(remote, secret))
        {
            _failed = true;
            throw new HandshakeException(HandshakeFailure.Malformed, "The other side's Noise key is of small order, so that the secret would be no secret.");
        }

        _symmetric.MixKey(secret);
        CryptographicOperations.ZeroMemory(secret);
    }

    private HandshakeException Malformed(string what) =>
        new(HandshakeFailure.Malformed, $"Noise handshake message {_next + 1} {what}.");
}
