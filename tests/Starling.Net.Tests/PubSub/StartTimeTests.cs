using Starling.Net.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>A publisher whose clock goes back between two starts.</summary>
public sealed class StartTimeTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("starling-start-");

    private string Kept => Path.Combine(_folder.FullName, "node.key.start");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_publisher_that_keeps_its_start_is_followed_though_its_clock_went_back()
    {
        var options = new PubSubServiceOptions { StartFile = Kept };
        using var counts = new PubSubCounts();
        await using var speaker = new FakeHost();
        await using var listener = new FakeHost();
        await using var topics = listener.Start(meters: counts);
        await using var heard = await topics.SubscribeAsync("prices").Soon();
        await using var plain = await topics.SubscribeAsync(Topic.Plain("prices")).Soon();
        ulong epoch = 0, number = 0;
        foreach (var days in (int[])[0, -400, -2, 30, -1])
        {
            await using var life = speaker.Start(options, new Shifted(TimeSpan.FromDays(days)));
            FakeHost.Link(speaker, listener);
            await life.WaitForSubscribersAsync("prices").Soon();
            await life.WaitForSubscribersAsync(Topic.Plain("prices")).Soon();
            await life.Say("prices", $"{days}").Soon();
            await life.Say(Topic.Plain("prices"), "x").Soon();

            Assert.True(await heard.WaitToReadAsync().Soon());
            Assert.True(heard.TryRead(out var message));
            Assert.Equal(($"{days}", 0UL, 0UL), (message.Text(), message.SequenceNumber, message.Missed));
            Assert.True(message.Epoch > epoch);
            epoch = message.Epoch;
            Assert.True(await plain.WaitToReadAsync().Soon());
            Assert.True(plain.TryRead(out message));
            Assert.True(message.SequenceNumber > number);
            number = message.SequenceNumber;
            FakeHost.Unlink(speaker, listener);
        }

        Assert.Equal((0L, 0L, 5L), (counts["stream.stale"], counts["rejected Stale"], counts["stream.delivered"]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("-1")]
    [InlineData("9223372036854775807")]
    [InlineData("99999999999999999999999999999999999999999999999999999999999999999999999999")]
    public void A_file_that_holds_no_time_is_set_aside_and_the_clock_decides(string text)
    {
        File.WriteAllText(Kept, text);
        var clock = new Shifted(TimeSpan.Zero);
        Assert.InRange(BeginOf(Kept, clock), clock.GetUtcNow() - TimeSpan.FromMinutes(1), clock.GetUtcNow());
        Assert.Equal(text, File.ReadAllText($"{Kept}.damaged"));
    }

    [Fact]
    public void A_file_that_cannot_be_used_does_not_keep_the_node_from_starting()
    {
        var clock = new Shifted(TimeSpan.Zero);
        Assert.InRange(BeginOf(_folder.FullName, clock), clock.GetUtcNow() - TimeSpan.FromMinutes(1), clock.GetUtcNow());
    }

    private static DateTimeOffset BeginOf(string path, TimeProvider clock) =>
        StartTime.Begin(path, clock, new PubSubLog(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));

    /// <summary>The system's clock, with another time of day.</summary>
    private sealed class Shifted(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
