using Starling.Protocols.Discovery;
using Starling.Protocols.Links;

namespace Starling.Protocols.Tests.Discovery;

public sealed class ExchangeCodecTests
{
    [Fact]
    public void What_is_written_reads_back()
    {
        var list = new ExchangeMessage(ExchangeKind.List, Records: [new byte[] { 1, 2, 3 }, new byte[200], Array.Empty<byte>()]);
        Assert.True(ExchangeCodec.TryRead(ExchangeCodec.Write(list), out var read, out _));
        Assert.Equal((ExchangeKind.List, 0), (read.Kind, read.Max));
        Assert.Equal(list.Records!.Select(record => record.ToArray()), read.Records!.Select(record => record.ToArray()));
        Assert.True(ExchangeCodec.TryRead(ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.Request, 64)), out read, out _));
        Assert.Equal((ExchangeKind.Request, 64), (read.Kind, read.Max));
        Assert.True(ExchangeCodec.TryRead(ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.Refreshing)), out read, out _));
        Assert.Equal(ExchangeKind.Refreshing, read.Kind);
    }

    [Fact]
    public void A_message_cut_anywhere_is_refused_or_ends_between_two_records()
    {
        var whole = ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.List, Records: [new byte[300], new byte[5]]));
        for (var length = 0; length < whole.Length; length++)
        {
            if (ExchangeCodec.TryRead(whole.AsMemory(0, length), out var read, out _)) Assert.Equal(length, ExchangeCodec.Write(read).Length);
        }
    }

    [Fact]
    public void Bounds_are_kept()
    {
        Assert.False(ExchangeCodec.TryRead(new byte[ExchangeCodec.MaxMessageBytes + 1], out _, out var error));
        Assert.Contains("bytes", error, StringComparison.Ordinal);
        Assert.False(Reads(Enumerable.Repeat<ReadOnlyMemory<byte>>(new byte[1], ExchangeCodec.MaxRecords + 1)));
        Assert.True(Reads(Enumerable.Repeat<ReadOnlyMemory<byte>>(new byte[1], ExchangeCodec.MaxRecords)));
        Assert.False(Reads([new byte[IdentifyCodec.MaxMessageLength + 1]]));
        Assert.True(ExchangeCodec.TryRead(new byte[] { 8, 1, 16, 0xff, 0xff, 0xff, 0x7f }, out var greedy, out _));
        Assert.Equal(ExchangeCodec.MaxRecords, greedy.Max);
        Assert.False(ExchangeCodec.TryRead(new byte[] { 8, 4 }, out _, out _));
        Assert.False(ExchangeCodec.TryRead(Array.Empty<byte>(), out _, out _));
        Assert.False(ExchangeCodec.TryRead(new byte[] { 10, 1, 1 }, out _, out _));
        Assert.Throws<ArgumentException>(() => ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.List, Records: [new byte[ExchangeCodec.MaxMessageBytes]])));
    }

    private static bool Reads(IEnumerable<ReadOnlyMemory<byte>> records) =>
        ExchangeCodec.TryRead(ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.List, Records: [.. records])), out _, out _);
}
