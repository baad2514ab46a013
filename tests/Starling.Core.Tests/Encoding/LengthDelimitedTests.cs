using System.Buffers;
using Starling.Core.Tests.Streams;

namespace Starling.Core.Tests.Encoding;

public sealed class LengthDelimitedTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Messages_come_back_whole_at_every_split_point()
    {
        byte[][] messages = [[], [1], [.. Enumerable.Range(0, 130).Select(i => (byte)i)], [2, 3]];
        var writer = new ArrayBufferWriter<byte>();
        foreach (var message in messages) LengthDelimited.Write(writer, message);
        var bytes = writer.WrittenMemory;
        Assert.Equal(messages.Sum(message => LengthDelimited.FramedLength(message.Length)), bytes.Length);

        for (var split = 0; split <= bytes.Length; split++)
        {
            var read = new List<byte[]>();
            var early = new ReadOnlySequence<byte>(bytes[..split]);
            while (LengthDelimited.TryRead(ref early, 200, out var message) is var status && status != OperationStatus.NeedMoreData)
            {
                Assert.Equal(OperationStatus.Done, status);
                read.Add(message.ToArray());
            }

            var rest = Sequences.Of(early.ToArray(), bytes[split..]);
            while (!rest.IsEmpty)
            {
                Assert.Equal(OperationStatus.Done, LengthDelimited.TryRead(ref rest, 200, out var message));
                read.Add(message.ToArray());
            }

            Assert.Equal(messages, read);
        }
    }

    [Fact]
    public void A_length_over_the_limit_is_invalid_before_its_body_is_there()
    {
        Assert.Equal(OperationStatus.InvalidData, LengthDelimited.TryRead([201, 1], 200, out _, out _));
        Assert.Equal(OperationStatus.InvalidData, LengthDelimited.TryRead(Convert.FromHexString("ffffffffffffffff7f"), int.MaxValue, out _, out _));
        Assert.Equal(OperationStatus.NeedMoreData, LengthDelimited.TryRead([200, 1], 200, out _, out _));
        var sequence = new ReadOnlySequence<byte>([0x81, 0x00]);
        Assert.Equal(OperationStatus.InvalidData, LengthDelimited.TryRead(ref sequence, 200, out _));
        Assert.Equal(2, sequence.Length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public async Task Streams_are_read_exactly_to_the_message_s_end(int chunk)
    {
        await using var stream = new ScriptedStream([3, 1, 2, 3, 0, 9], chunk);
        Assert.Equal(new byte[] { 1, 2, 3 }, await stream.ReadLengthDelimitedAsync(10, Token));
        Assert.Equal(Array.Empty<byte>(), await stream.ReadLengthDelimitedAsync(10, Token));
        Assert.Equal(1, stream.Unread);
        using var same = new MemoryStream([3, 1, 2, 3, 9]);
        Assert.Equal(new byte[] { 1, 2, 3 }, await same.ReadLengthDelimitedAsync(10, Token));
        Assert.Equal(4, same.Position);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("80", "within the length")]
    [InlineData("0301", "1 bytes into a message of 3")]
    [InlineData("0b", "11 bytes was announced; at most 10")]
    [InlineData("ffffffffffffffff7f", "at most 10")]
    [InlineData("8000", "minimal varint")]
    [InlineData("ffffffffffffffffffff", "minimal varint")]
    public async Task Broken_frames_are_violations_that_say_why(string hex, string? expected)
    {
        await using var stream = new ScriptedStream(Convert.FromHexString(hex), 100);
        if (expected is null) Assert.Null(await stream.ReadLengthDelimitedAsync(10, Token));
        else Assert.Contains(expected, (await Assert.ThrowsAsync<ProtocolViolationException>(async () => await stream.ReadLengthDelimitedAsync(10, Token))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_leaves_in_one_write()
    {
        await using var stream = new ScriptedStream([], 1);
        await stream.WriteLengthDelimitedAsync(new byte[] { 7, 8 }, Token);
        Assert.Equal([[2, 7, 8]], stream.Writes);
        using var same = new MemoryStream();
        await same.WriteLengthDelimitedAsync(new byte[] { 7, 8 }, Token);
        Assert.Equal([2, 7, 8], same.ToArray());
    }
}
