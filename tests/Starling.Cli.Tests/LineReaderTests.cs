using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Starling.Cli.Tests;

public sealed class LineReaderTests
{
    [Theory]
    [InlineData("", new string[0])]
    [InlineData("\n", new[] { "" })]
    [InlineData("one", new[] { "one" })]
    [InlineData("one\n", new[] { "one" })]
    [InlineData("one\n\ntwo", new[] { "one", "", "two" })]
    [InlineData("carriage\r\nreturn", new[] { "carriage\r", "return" })]
    public async Task Lines_end_at_line_feeds_and_at_the_end(string text, string[] lines) =>
        Assert.Equal(lines, (await ReadAsync(Encoding.UTF8.GetBytes(text), chunk: 1, keepLineFeed: false)).Select(Encoding.UTF8.GetString));

    [Fact]
    public void Kept_line_feeds_make_the_lines_the_source_again_however_it_is_cut() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), ArbMap.Default.ArbFor<PositiveInt>(), (bytes, chunk) =>
        {
            var source = bytes.Select(one => (byte)(one % 12)).ToArray();
            var lines = ReadAsync(source, chunk.Get, keepLineFeed: true).GetAwaiter().GetResult();
            return lines.SelectMany(line => line).SequenceEqual(source) && lines.All(line => line.AsSpan()[..^1].IndexOf((byte)'\n') < 0);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("12345\n", false, true)]
    [InlineData("12345", true, true)]
    [InlineData("123456", false, false)]
    [InlineData("1\n123456\n", false, false)]
    [InlineData("12345\n", true, false)]
    public async Task A_line_over_the_limit_is_an_error_that_names_it(string text, bool keepLineFeed, bool fits)
    {
        var reading = ReadAsync(Encoding.UTF8.GetBytes(text), chunk: 2, keepLineFeed, maxLine: 5);
        if (fits) Assert.Single(await reading);
        else Assert.Contains("of the test", (await Assert.ThrowsAsync<StarlingException>(() => reading)).Message);
    }

    private static async Task<List<byte[]>> ReadAsync(byte[] source, int chunk, bool keepLineFeed, int maxLine = 1000)
    {
        var lines = new List<byte[]>();
        await foreach (var line in LineReader.ReadAsync(new Trickle(source, chunk), "the test", maxLine, keepLineFeed, TestContext.Current.CancellationToken))
            lines.Add(line.ToArray());
        return lines;
    }

    /// <summary>Gives at most a few bytes at a time.</summary>
    private sealed class Trickle(byte[] bytes, int chunk) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(chunk, buffer.Length)]);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));
    }
}
