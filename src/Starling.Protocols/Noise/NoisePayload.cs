using Google.Protobuf;
using Starling.Protocols.Noise.Messages;

namespace Starling.Protocols.Noise;

/// <summary>What a handshake message says of its sender (noise-libp2p, "The libp2p Handshake Payload"): the identity, the proof that the static key is its own, and the multiplexers.</summary>
/// <param name="Key">The sender's identity key, which has signed the static key.</param>
/// <param name="Muxers">The multiplexers that the sender speaks, in its order; empty when it has left them to a later negotiation.</param>
public sealed record NoisePayload(PublicKey Key, IReadOnlyList<string> Muxers)
{
    /// <summary>Multiplexers of a payload that are read; what follows them is ignored.</summary>
    public const int MaxMuxers = 32;

    private static readonly MessageParser<NoiseHandshakePayload> Parser = NoiseHandshakePayload.Parser.WithDiscardUnknownFields(true);

    /// <summary>The identity's signature over a static key: its proof that the key is its own.</summary>
    public static byte[] Sign(NodeIdentity identity, ReadOnlySpan<byte> staticKey)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return identity.Sign(SignedText(staticKey));
    }

    /// <summary>Encodes a payload.</summary>
    /// <param name="key">The sender's identity key.</param>
    /// <param name="signature">From <see cref="Sign"/>.</param>
    /// <param name="muxers">Offered for early negotiation, the most preferred first; may be empty.</param>
    public static byte[] Encode(PublicKey key, ReadOnlySpan<byte> signature, IReadOnlyList<string> muxers)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(muxers);
        var message = new NoiseHandshakePayload
        {
            IdentityKey = ByteString.CopyFrom(key.Encoded.Span),
            IdentitySig = ByteString.CopyFrom(signature),
        };
        if (muxers.Count > 0) message.Extensions = new NoiseExtensions { StreamMuxers = { muxers } };
        return message.ToByteArray();
    }

    /// <summary>Decodes a payload and checks its signature.</summary>
    /// <param name="encoded">The decrypted payload.</param>
    /// <param name="staticKey">The static key of the message that carried it.</param>
    /// <exception cref="HandshakeException">It cannot be read, or the identity did not sign this static key.</exception>
    public static NoisePayload Decode(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte> staticKey)
    {
        NoiseHandshakePayload message;
        try
        {
            message = Parser.ParseFrom(encoded);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or IndexOutOfRangeException or ArgumentException)
        {
            throw Malformed($"is no protobuf ({e.Message})", e);
        }

        if (!message.HasIdentityKey || !message.HasIdentitySig) throw Malformed("lacks the identity key or its signature");
        if (!PublicKey.TryDecode(message.IdentityKey.Span, out var key, out var error)) throw Malformed($"has an unusable identity key: {error}");
        if (!key.Verify(SignedText(staticKey), message.IdentitySig.Span))
        {
            throw new HandshakeException(HandshakeFailure.NoisePayloadSignature, $"The signature of {key} does not cover the Noise key that was sent with it.");
        }

        return new NoisePayload(key, message.Extensions is { } extensions ? [.. extensions.StreamMuxers.Take(MaxMuxers)] : []);
    }

    private static byte[] SignedText(ReadOnlySpan<byte> staticKey) => [.. "noise-libp2p-static-key:"u8, .. staticKey];

    private static HandshakeException Malformed(string what, Exception? inner = null) =>
        new(HandshakeFailure.Malformed, $"The Noise payload {what}.", inner);
}
