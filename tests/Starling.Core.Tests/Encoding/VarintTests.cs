using System.Buffers;
using FsCheck;
using FsCheck.Fluent;

namespace Starling.Core.Tests.Encoding;

public sealed class VarintTests
{
    [Theory]
    [InlineData(0ul, "00")]
    [InlineData(1ul, "01")]
    [InlineData(127ul, "7f")]
    [InlineData(128ul, "8001")]
    [InlineData(255ul, "ff01")]
    [InlineData(300ul, "ac02")]
    [InlineData(16384ul, "808001")]
    [InlineData(long.MaxValue, "ffffffffffffffff7f")]
    public void The_examples_of_the_spec_agree(ulong value, string hex)
    {
        var buffer = new byte[Varint.MaxLength];
        Assert.Equal(hex, Convert.ToHexStringLower(buffer, 0, Varint.Write(buffer, value)));
        Assert.Equal(hex.Length / 2, Varint.Length(value));
        Assert.Equal(OperationStatus.Done, Varint.TryRead(Convert.FromHexString(hex + "ff"), out var read, out var consumed));
        Assert.Equal((value, hex.Length / 2), (read, consumed));
    }

    [Theory]
    [InlineData("8000")]
    [InlineData("818000")]
    [InlineData("ffffffffffffffffff")]
    [InlineData("ffffffffffffffffff01")]
    [InlineData("80808080808080808000")]
    public void Overlong_forms_are_invalid(string hex)
    {
        Assert.Equal(OperationStatus.InvalidData, Varint.TryRead(Convert.FromHexString(hex), out var value, out var consumed));
        Assert.Equal((0ul, 0), (value, consumed));
    }

    [Fact]
    public void Values_above_63_bits_cannot_be_written()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Varint.Length(1ul << 63));
        Assert.Throws<ArgumentOutOfRangeException>(() => Varint.Write(new byte[10], ulong.MaxValue));
        Assert.Throws<ArgumentException>(() => Varint.Write(new byte[1], 128));
    }

    [Fact]
    public void Every_value_comes_back_at_every_split() => Prop.ForAll<ulong, int>((bits, shift) =>
    {
        var value = (bits & Varint.MaxValue) >> (shift & 63);
        var writer = new ArrayBufferWriter<byte>();
        Assert.Equal(Varint.Length(value), Varint.Write(writer, value));
        var bytes = writer.WrittenMemory;
        for (var split = 0; split < bytes.Length; split++)
        {
            Assert.Equal(OperationStatus.NeedMoreData, Varint.TryRead(bytes.Span[..split], out _, out _));
            var parts = Sequences.Of(bytes[..split], bytes[split..], new byte[] { 0x80, 0x80 });
            Assert.Equal(OperationStatus.Done, Varint.TryRead(parts, out var read, out var consumed));
            Assert.Equal((value, bytes.Length), (read, consumed));
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Whatever_is_read_is_what_would_be_written() => Prop.ForAll<byte[]>(bytes =>
    {
        var status = Varint.TryRead(bytes, out var value, out var consumed);
        if (status != OperationStatus.Done) return;
        var written = new byte[Varint.MaxLength];
        Assert.Equal(bytes[..consumed], written[..Varint.Write(written, value)]);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
}

internal static class Sequences
{
    internal static ReadOnlySequence<byte> Of(params ReadOnlyMemory<byte>[] parts)
    {
        var first = new Part(parts[0], 0);
        var last = first;
        foreach (var part in parts.Skip(1)) last = last.Append(part);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Part : ReadOnlySequenceSegment<byte>
    {
        internal Part(ReadOnlyMemory<byte> memory, long start) => (Memory, RunningIndex) = (memory, start);

        internal Part Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Part(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
