using Starling.Protocols.Noise;

namespace Starling.Protocols.Tests.Noise;

public sealed class NoiseCipherTests
{
    private static readonly byte[] Key = new byte[NoiseCipher.KeyLength];

    [Fact]
    public void The_last_counter_is_never_used_to_encrypt()
    {
        using var cipher = new NoiseCipher(Key, NoiseCipher.ReservedNonce - 1);
        cipher.Encrypt([1, 2, 3], [], new byte[19]);

        var refusal = Assert.Throws<ProtocolViolationException>(() => cipher.Encrypt([1, 2, 3], [], new byte[19]));

        Assert.Contains("counter", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(NoiseCipher.ReservedNonce, cipher.Nonce);
    }

    [Fact]
    public void The_last_counter_is_never_used_to_decrypt()
    {
        using var sender = new NoiseCipher(Key, NoiseCipher.ReservedNonce - 1);
        using var receiver = new NoiseCipher(Key, NoiseCipher.ReservedNonce - 1);
        var message = new byte[19];
        sender.Encrypt([1, 2, 3], [], message);
        Assert.True(receiver.TryDecrypt(message, [], new byte[3]));

        Assert.Throws<ProtocolViolationException>(() => receiver.TryDecrypt(message, [], new byte[3]));
    }

    [Fact]
    public void A_message_read_twice_or_out_of_turn_is_refused()
    {
        using var sender = new NoiseCipher(Key);
        using var receiver = new NoiseCipher(Key);
        var first = new byte[17];
        var second = new byte[17];
        sender.Encrypt([1], [], first);
        sender.Encrypt([2], [], second);

        Assert.False(receiver.TryDecrypt(second, [], new byte[1]));
        Assert.True(receiver.TryDecrypt(first, [], new byte[1]));
        Assert.False(receiver.TryDecrypt(first, [], new byte[1]));
        Assert.True(receiver.TryDecrypt(second, [], new byte[1]));
    }

    [Fact]
    public void A_message_too_short_for_a_tag_is_refused()
    {
        using var cipher = new NoiseCipher(Key);
        for (var length = 0; length < NoiseFrame.TagLength; length++) Assert.False(cipher.TryDecrypt(new byte[length], [], []));
    }
}
