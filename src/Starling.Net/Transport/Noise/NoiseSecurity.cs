using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Starling.Protocols.Noise;

namespace Starling.Net.Transport.Noise;

/// <summary>The security protocol <c>/noise</c> (noise-libp2p spec): XX_25519_ChaChaPoly_SHA256, with the multiplexer agreed inside the handshake.</summary>
/// <remarks>One static key, made here and never stored, serves all sessions of the instance. Dispose after the last handshake.</remarks>
public sealed class NoiseSecurity : ISecurityProtocol, IDisposable
{
    private readonly NodeIdentity _identity;
    private readonly RandomSource _random;
    private readonly X25519Key _static;
    private readonly byte[] _signature;

    /// <summary>Makes the static key and has the identity sign it.</summary>
    /// <param name="identity">Who this side is; stays the caller's.</param>
    /// <param name="random">Where Noise keys come from; null takes the operating system's generator, and anything else is for tests.</param>
    /// <exception cref="StarlingException">Noise does not work here: see <see cref="IsSupported"/>.</exception>
    public NoiseSecurity(NodeIdentity identity, RandomSource? random = null)
    {
        ArgumentNullException.ThrowIfNull(identity);
        _identity = identity;
        _random = random ?? RandomSource.System;
        _static = X25519Key.Generate(_random);
        _signature = NoisePayload.Sign(identity, _static.PublicKey.Span);
    }

    /// <summary>Whether the primitives are there: X25519 by libcrypto and ChaCha20-Poly1305 by .NET.</summary>
    public static bool IsSupported => X25519Key.IsSupported && ChaCha20Poly1305.IsSupported;

    /// <inheritdoc/>
    public string ProtocolId => "/noise";

    /// <inheritdoc/>
    public async Task<SecureChannel> SecureAsync(
        Stream raw, Direction side, PeerId? expected, IReadOnlyList<string> muxers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(raw);
        var payload = NoisePayload.Encode(_identity.PublicKey, _signature, muxers);
        using var ephemeral = X25519Key.Generate(_random);
        using var handshake = new NoiseHandshake(side, _static, ephemeral, payload, muxers, expected);
        try
        {
            while (!handshake.IsComplete)
            {
                if (handshake.WritesNext) await WriteAsync(raw, handshake, cancellationToken);
                else await ReadAsync(raw, handshake, cancellationToken);
            }
        }
        catch (IOException e)
        {
            throw new HandshakeException(HandshakeFailure.Disconnected, $"The connection ended during the Noise handshake: {e.Message}", e);
        }

        var session = handshake.Finish();
        return new SecureChannel(
            new NoiseStream(raw, session.Sending, session.Receiving), session.RemoteKey.ToPeerId(), session.RemoteKey, session.Muxer);
    }

    /// <inheritdoc/>
    public void Dispose() => _static.Dispose();

    private static async Task WriteAsync(Stream raw, NoiseHandshake handshake, CancellationToken cancellationToken)
    {
        var frame = new byte[NoiseFrame.HeaderLength + handshake.WriteLength];
        BinaryPrimitives.WriteUInt16BigEndian(frame, (ushort)handshake.WriteLength);
        handshake.Write(frame.AsSpan(NoiseFrame.HeaderLength));
        await raw.WriteAsync(frame, cancellationToken);
        await raw.FlushAsync(cancellationToken);
    }

    private static async Task ReadAsync(Stream raw, NoiseHandshake handshake, CancellationToken cancellationToken)
    {
        var header = new byte[NoiseFrame.HeaderLength];
        await raw.ReadExactlyAsync(header, cancellationToken);
        int length = BinaryPrimitives.ReadUInt16BigEndian(header);
        var message = ArrayPool<byte>.Shared.Rent(length);
        await raw.ReadExactlyAsync(message.AsMemory(0, length), cancellationToken);
        handshake.Read(message.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(message);
    }
}
