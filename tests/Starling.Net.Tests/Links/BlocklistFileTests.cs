using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Protocols.Links;

namespace Starling.Net.Tests.Links;

public sealed class BlocklistFileTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("starling-blocklist-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void What_is_saved_is_loaded_whole()
    {
        var file = new BlocklistFile(Path.Combine(_folder.FullName, "blocked.json"), NullLogger.Instance);
        Assert.Empty(file.Load());
        BlockEntry[] entries =
        [
            new(BlockSubject.Parse("192.0.2.0/24"), Start, Start.AddDays(1), "a \"note\""), new(BlockSubject.Parse("::/0"), Start),
            new(BlockSubject.Parse("12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu"), Start),
        ];
        file.Save(entries);
        Assert.Equal(entries, file.Load());
    }

    [Fact]
    public void A_file_cut_off_anywhere_is_refused()
    {
        var whole = BlocklistFile.Format([new BlockEntry(BlockSubject.Parse("192.0.2.0/24"), Start, Start, "note")]);
        Assert.Single(BlocklistFile.Parse(whole));
        for (var length = 0; length < whole.Length; length++) Assert.Throws<FormatException>(() => BlocklistFile.Parse(whole.AsMemory(0, length)));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("""{"version":2,"entries":[]}""")]
    [InlineData("""{"version":1,"entries":[null]}""")]
    [InlineData("""{"version":1,"entries":[{"subject":null}]}""")]
    [InlineData("""{"version":1,"entries":[{"subject":"10.0.0.1/8"}]}""")]
    [InlineData("""{"version":1,"entries":[{"subject":"10.0.0.0/8","expires":7}]}""")]
    public void What_is_no_blocklist_is_refused(string text) =>
        Assert.Throws<FormatException>(() => BlocklistFile.Parse(Encoding.UTF8.GetBytes(text)));
}
