using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Starling.Protocols.Noise;

/// <summary>One direction's key and message counter (Noise, section 5.1, CipherState) with ChaCha20-Poly1305.</summary>
/// <remarks>Not safe for several threads: each direction has its own. Disposing frees the key.</remarks>
public sealed class NoiseCipher : IDisposable
{
    /// <summary>The length of a key, bytes.</summary>
    public const int KeyLength = 32;

    /// <summary>The counter that is never used: a message that would need it ends the link instead.</summary>
    public const ulong ReservedNonce = ulong.MaxValue;

    private readonly ChaCha20Poly1305 _aead;

    /// <summary>Creates the cipher.</summary>
    /// <param name="key">32 bytes; copied.</param>
    /// <param name="nonce">The counter of the first message; anything but 0 is for tests of the limit.</param>
    public NoiseCipher(ReadOnlySpan<byte> key, ulong nonce = 0)
    {
        _aead = new ChaCha20Poly1305(key);
        Nonce = nonce;
    }

    /// <summary>The counter that the next message takes.</summary>
    public ulong Nonce { get; private set; }

    /// <summary>Encrypts a message and appends its tag.</summary>
    /// <param name="plaintext">The message; it may be the start of <paramref name="output"/> itself.</param>
    /// <param name="associated">Authenticated with it; empty in transport messages.</param>
    /// <param name="output">Receives <see cref="NoiseFrame.TagLength"/> bytes more than the message has.</param>
    /// <exception cref="ProtocolViolationException">The counter is used up.</exception>
    public void Encrypt(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associated, Span<byte> output)
    {
        Span<byte> nonce = stackalloc byte[12];
        WriteNonce(nonce);
        _aead.Encrypt(nonce, plaintext, output[..plaintext.Length], output.Slice(plaintext.Length, NoiseFrame.TagLength), associated);
        Nonce++;
    }

    /// <summary>Verifies and decrypts a message. A message that fails leaves the counter as it was.</summary>
    /// <param name="message">Ciphertext and tag.</param>
    /// <param name="associated">What was authenticated with it.</param>
    /// <param name="output">Receives <see cref="NoiseFrame.TagLength"/> bytes fewer than the message has; it may be the start of <paramref name="message"/> itself.</param>
    /// <returns>False when the message is too short for a tag, or is not what the other side encrypted; the output is then zero or untouched.</returns>
    /// <exception cref="ProtocolViolationException">The counter is used up.</exception>
    public bool TryDecrypt(ReadOnlySpan<byte> message, ReadOnlySpan<byte> associated, Span<byte> output)
    {
        var length = message.Length - NoiseFrame.TagLength;
        if (length < 0) return false;
        Span<byte> nonce = stackalloc byte[12];
        WriteNonce(nonce);
        try
        {
            _aead.Decrypt(nonce, message[..length], message[length..], output[..length], associated);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        Nonce++;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _aead.Dispose();

    private void WriteNonce(Span<byte> nonce)
    {
        if (Nonce == ReservedNonce) throw new ProtocolViolationException("The Noise session has used up its message counter; the link ends so that no nonce is used twice.");
        nonce.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], Nonce);
    }
}
