using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Transport;

namespace Starling.Protocols.Tests.Transport;

public sealed class MultistreamMessageTests
{
    private static readonly byte[] Session = MultistreamMessage.Encode(MultistreamMessage.Header, "/yamux/1.0.0", "na", "ls", new string('x', 200), new string('y', MultistreamMessage.MaxLength - 1));

    [Fact]
    public void A_message_is_its_length_its_text_and_a_newline() =>
        Assert.Equal("\u0013/multistream/1.0.0\n\u0003na\n"u8.ToArray(), MultistreamMessage.Encode(MultistreamMessage.Header, MultistreamMessage.NotAvailable));

    [Fact]
    public void Messages_read_the_same_at_every_split_point()
    {
        var whole = Read(Session).Texts;
        Assert.Equal(6, whole.Count);
        for (var split = 0; split <= Session.Length; split++)
        {
            var (first, rest) = Read(Session[..split]);
            Assert.Equal(whole, [.. first, .. Read([.. rest, .. Session[split..]]).Texts]);
        }
    }

    [Fact]
    public void Messages_read_the_same_byte_by_byte()
    {
        List<string> texts = [];
        byte[] waiting = [];
        foreach (var value in Session)
        {
            (var more, waiting) = Read([.. waiting, value]);
            texts.AddRange(more);
        }

        Assert.Equal(Read(Session).Texts, texts);
        Assert.Empty(waiting);
    }

    [Fact]
    public void A_line_is_1024_bytes_at_most()
    {
        var longest = new string('x', MultistreamMessage.MaxLength - 1);
        Assert.Equal([longest], Read(MultistreamMessage.Encode(longest)).Texts);
        Assert.Throws<ArgumentException>(() => MultistreamMessage.Encode(longest + "x"));
        Assert.Equal(OperationStatus.InvalidData, MultistreamMessage.ReadLength([0x81, 0x08], out _, out _));
    }

    [Theory]
    [InlineData("00", "an empty message")]
    [InlineData("8000", "an empty message, not minimal")]
    [InlineData("8100", "a prefix that is not minimal")]
    [InlineData("808001", "a prefix of three bytes")]
    [InlineData("ffffffff0f", "4 GiB")]
    [InlineData("026162", "no newline")]
    [InlineData("03610a62", "a newline within")]
    [InlineData("02ff0a", "no UTF-8")]
    public void What_is_no_line_of_text_is_refused(string hex, string why) =>
        Assert.True(MultistreamMessage.TryRead(Convert.FromHexString(hex), out _, out _) == OperationStatus.InvalidData, why);

    [Fact]
    public void The_list_holds_a_message_for_each_protocol_and_stops_at_its_limit()
    {
        var bytes = MultistreamMessage.EncodeList(["/a", "/b"]);
        Assert.Equal("\u0009\u0003/a\n\u0003/b\n\n"u8.ToArray(), bytes);

        var many = MultistreamMessage.EncodeList(Enumerable.Range(0, 10_000).Select(i => $"/protocol/{i}"));
        Assert.InRange(many.Length, MultistreamMessage.MaxListLength - 32, MultistreamMessage.MaxListLength + MultistreamMessage.MaxPrefix);
    }

    [Fact]
    public void Any_text_without_newline_comes_back() => Prop.ForAll<NonNull<string>>(text =>
    {
        if (text.Get.Length == 0 || text.Get.Contains('\n') || text.Get.Any(char.IsSurrogate)) return;
        Assert.Equal([text.Get], Read(MultistreamMessage.Encode(text.Get)).Texts);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Changed_and_random_bytes_are_read_or_refused_and_never_read_twice() => Prop.ForAll<ulong>(seed =>
    {
        var random = RandomSource.Seeded(seed);
        for (var round = 0; round < 100; round++)
        {
            byte[] bytes = [.. Session];
            for (var changes = random.Next(4); changes >= 0; changes--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            bytes = bytes[random.Next(bytes.Length)..];
            foreach (var text in Read(bytes).Texts) Assert.InRange(Encoding.UTF8.GetByteCount(text), 0, MultistreamMessage.MaxLength - 1);
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    /// <summary>The messages at the start of the bytes, and what stands behind the last whole one; reading ends where it is refused.</summary>
    private static (List<string> Texts, byte[] Behind) Read(byte[] bytes)
    {
        List<string> texts = [];
        while (MultistreamMessage.TryRead(bytes, out var text, out var consumed) == OperationStatus.Done)
        {
            Assert.InRange(consumed, 2, MultistreamMessage.MaxPrefix + MultistreamMessage.MaxLength);
            texts.Add(text!);
            bytes = bytes[consumed..];
        }

        return (texts, bytes);
    }
}
