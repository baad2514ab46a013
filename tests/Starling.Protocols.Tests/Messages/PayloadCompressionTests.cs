using System.IO.Compression;
using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Messages;

namespace Starling.Protocols.Tests.Messages;

/// <summary>Compression pays or is not used; what peers compressed inflates to what it declares or is refused.</summary>
public sealed class PayloadCompressionTests
{
    public static TheoryData<MessageCompression> Spoken => [.. PayloadCompression.Spoken];

    [Theory, MemberData(nameof(Spoken))]
    public void What_shrinks_comes_back_identical(MessageCompression how) =>
        Prop.ForAll(Gen.Choose(64, 300_000).Zip(Gen.Choose(1, 60)).ToArbitrary(), sizes =>
        {
            var (size, variety) = sizes;
            var payload = new byte[size];
            for (var i = 0; i < size; i++) payload[i] = (byte)(i * i / 7 % variety);
            if (PayloadCompression.TryDeflate(payload, how) is not { } deflated) return true;
            Assert.True(deflated.Length <= size - (size / 10));
            Assert.Equal(MessageRefusal.None, PayloadCompression.Inflate(deflated, how, size, out var inflated));
            return inflated.AsSpan().SequenceEqual(payload);
        }).QuickCheckThrowOnFailure();

    [Theory, MemberData(nameof(Spoken))]
    public void What_does_not_shrink_is_not_compressed(MessageCompression how)
    {
        var noise = new byte[1 << 20];
        RandomSource.Seeded(5).Fill(noise);
        Assert.Null(PayloadCompression.TryDeflate(noise, how));
        Assert.Null(PayloadCompression.TryDeflate(noise.AsMemory(0, 100), how));
        Assert.Null(PayloadCompression.TryDeflate(ReadOnlyMemory<byte>.Empty, how));
    }

    [Theory, MemberData(nameof(Spoken))]
    public void A_bomb_is_refused_before_it_inflates_and_one_that_lies_when_it_exceeds_what_it_declares(MessageCompression how)
    {
        var bomb = Compress(new byte[64 << 20], how);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(MessageRefusal.BadCompression, PayloadCompression.Inflate(bomb, how, 1000, out _));
        if (bomb.Length < 64 << 10) Assert.Equal(MessageRefusal.CompressionBomb, PayloadCompression.Inflate(bomb, how, 64 << 20, out _));
        Assert.Equal(MessageRefusal.CompressionBomb, PayloadCompression.Inflate(bomb.AsMemory(0, 20), how, int.MaxValue, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory, MemberData(nameof(Spoken))]
    public void What_is_cut_or_longer_than_declared_or_mutated_is_refused_or_inflates_to_the_declared_length(MessageCompression how)
    {
        var payload = new byte[2000];
        for (var i = 0; i < payload.Length; i++) payload[i] = (byte)(i / 5);
        var deflated = Compress(payload, how);
        for (var length = 0; length < deflated.Length; length++)
        {
            var refusal = PayloadCompression.Inflate(deflated.AsMemory(0, length), how, payload.Length, out var some);
            if (refusal == MessageRefusal.None) Assert.Equal(payload, some);
        }

        Assert.Equal(MessageRefusal.BadCompression, PayloadCompression.Inflate(deflated, how, payload.Length - 1, out _));
        Assert.Equal(MessageRefusal.BadCompression, PayloadCompression.Inflate(deflated, how, payload.Length + 1, out _));
        Assert.Equal(MessageRefusal.BadCompression, PayloadCompression.Inflate(deflated.AsMemory(0, deflated.Length / 2), how, payload.Length, out _));
        Prop.ForAll(Gen.Choose(0, deflated.Length - 1).Zip(Gen.Choose(0, 255)).NonEmptyListOf().ToArbitrary(), changes =>
        {
            var bytes = deflated.ToArray();
            foreach (var (at, value) in changes) bytes[at] = (byte)value;
            var refusal = PayloadCompression.Inflate(bytes, how, payload.Length, out var inflated);
            return refusal == MessageRefusal.None ? inflated.Length == payload.Length : refusal == MessageRefusal.BadCompression;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Theory, MemberData(nameof(Spoken))]
    public void A_payload_that_shrinks_beyond_what_receivers_accept_is_sent_as_it_is(MessageCompression how)
    {
        var zeros = new byte[32 << 20];
        if (PayloadCompression.TryDeflate(zeros, how) is not { } deflated) return;
        Assert.Equal(MessageRefusal.None, PayloadCompression.Inflate(deflated, how, zeros.Length, out _));
    }

    private static byte[] Compress(byte[] payload, MessageCompression how)
    {
        var output = new MemoryStream();
        using (Stream stream = how == MessageCompression.Brotli ? new BrotliStream(output, CompressionLevel.SmallestSize, true) : new ZLibStream(output, CompressionLevel.SmallestSize, true)) stream.Write(payload);
        return output.ToArray();
    }
}
