using System.Buffers;

namespace Starling.Protocols.Noise;

/// <summary>The libp2p handshake over Noise XX as a pure state machine: who answers is checked before anything is said about oneself.</summary>
/// <remarks>
/// <para>The shell alternates <see cref="Write"/> and <see cref="Read"/> as <see cref="WritesNext"/> says until <see cref="IsComplete"/>,
/// then takes <see cref="Finish"/>. Any exception ends the handshake for good.</para>
/// <para>The static key proves nothing by itself: the payload's signature ties it to the identity. The multiplexer is the first of the
/// initiator's list that both sides speak (connections spec, inlined muxer negotiation), and null when a side has named none.</para>
/// <para>Not safe for several threads. The keys stay the caller's.</para>
/// </remarks>
public sealed class NoiseHandshake : IDisposable
{
    private readonly XXHandshake _pattern;
    private readonly Direction _side;
    private readonly ReadOnlyMemory<byte> _payload;
    private readonly IReadOnlyList<string> _muxers;
    private readonly PeerId? _expected;
    private NoisePayload? _remote;
    private string? _muxer;

    /// <summary>Starts a handshake.</summary>
    /// <param name="side">Who dialled: <see cref="Direction.Outbound"/> is the initiator.</param>
    /// <param name="staticKey">The key that <paramref name="payload"/> vouches for.</param>
    /// <param name="ephemeralKey">A key made for this handshake only.</param>
    /// <param name="payload">From <see cref="NoisePayload.Encode"/>.</param>
    /// <param name="muxers">The multiplexers that the payload names.</param>
    /// <param name="expected">Who must answer, or null when anybody may.</param>
    public NoiseHandshake(
        Direction side,
        X25519Key staticKey,
        X25519Key ephemeralKey,
        ReadOnlyMemory<byte> payload,
        IReadOnlyList<string> muxers,
        PeerId? expected)
    {
        _pattern = new XXHandshake(side, staticKey, ephemeralKey);
        _side = side;
        _payload = payload;
        _muxers = muxers;
        _expected = expected;
    }

    /// <summary>Whether both sides have shown who they are.</summary>
    public bool IsComplete => _pattern.IsComplete;

    /// <summary>Whether it is this side's turn to write.</summary>
    public bool WritesNext => _pattern.WritesNext;

    /// <summary>The length of the message that <see cref="Write"/> writes next.</summary>
    public int WriteLength => _pattern.Overhead + Payload.Length;

    // The initiator's first message is readable by anyone: it carries nothing.
    private ReadOnlyMemory<byte> Payload => _side == Direction.Outbound && _remote is null ? default : _payload;

    /// <summary>Writes this side's next message: <see cref="WriteLength"/> bytes.</summary>
    /// <exception cref="HandshakeException">The other side's key is of small order.</exception>
    public void Write(Span<byte> message) => _pattern.Write(Payload.Span, message);

    /// <summary>Reads the other side's next message and judges what it says.</summary>
    /// <param name="message">The whole message, without the length before it.</param>
    /// <exception cref="HandshakeException">It was altered, cannot be read, is not signed by its identity, comes from another peer than the expected one, or shares no multiplexer.</exception>
    public void Read(ReadOnlySpan<byte> message)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(message.Length);
        try
        {
            var length = _pattern.Read(message, buffer);

            // The first message has no secret yet, so nothing in it is believed.
            if (_side == Direction.Inbound && !IsComplete) return;
            Judge(NoisePayload.Decode(buffer.AsSpan(0, length), _pattern.RemoteStatic));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>What the handshake has brought about. The caller owns the ciphers.</summary>
    /// <exception cref="InvalidOperationException">The handshake is not complete.</exception>
    public NoiseSession Finish()
    {
        var (sending, receiving) = _pattern.Split();
        return new NoiseSession(sending, receiving, _remote!.Key, _muxer);
    }

    /// <inheritdoc/>
    public void Dispose() => _pattern.Dispose();

    private void Judge(NoisePayload remote)
    {
        var peer = remote.Key.ToPeerId();
        if (_expected is not null && !_expected.Equals(peer))
        {
            throw new HandshakeException(HandshakeFailure.PeerIdMismatch, $"{peer} answered where {_expected} was expected.");
        }

        _remote = remote;
        if (_muxers.Count == 0 || remote.Muxers.Count == 0) return;
        var (first, second) = _side == Direction.Outbound ? (_muxers, remote.Muxers) : (remote.Muxers, _muxers);
        _muxer = first.FirstOrDefault(second.Contains)
            ?? throw new HandshakeException(HandshakeFailure.NoCommonProtocol, $"The peer speaks none of the multiplexers {string.Join(", ", _muxers)}.");
    }
}

/// <summary>A finished handshake.</summary>
/// <param name="Sending">Encrypts what this side sends. The receiver of the record owns it.</param>
/// <param name="Receiving">Decrypts what this side receives. The receiver of the record owns it.</param>
/// <param name="RemoteKey">The peer's identity key, proved.</param>
/// <param name="Muxer">The multiplexer that both sides agreed on, or null when it has yet to be negotiated.</param>
public sealed record NoiseSession(NoiseCipher Sending, NoiseCipher Receiving, PublicKey RemoteKey, string? Muxer);
