using Starling.Net.PubSub;
using Starling.Protocols.Streams;

namespace Starling.Net.Tests.PubSub.Streams;

/// <summary>What the meter <c>Starling.PubSub</c> tells of stream topics and their logs.</summary>
public sealed class StreamMetricsTests
{
    [Fact]
    public async Task Deliveries_recoveries_and_both_ends_of_what_logs_are_asked_are_on_the_meter()
    {
        using var near = new PubSubCounts();
        using var far = new PubSubCounts();
        await using var speaker = new FakeHost();
        await using var listener = new FakeHost();
        await using var said = speaker.Start(meters: near);
        await using var topics = listener.Start(meters: far);
        FakeHost.Link(speaker, listener);
        await using var heard = await topics.SubscribeAsync("prices").Soon();
        await said.WaitForSubscribersAsync("prices").Soon();
        await said.Say("prices", "0").Soon();
        await heard.TakeAsync(1).Soon();
        FakeHost.Unlink(speaker, listener);
        await said.Say("prices", "1").Soon();
        FakeHost.Link(speaker, listener);
        await said.WaitForSubscribersAsync("prices").Soon();
        await said.Say("prices", "2").Soon();
        Assert.Equal(["1", "2"], await heard.TakeAsync(2).Soon());

        Assert.Equal((3L, 1L, 0L), (far["stream.delivered"], far["stream.recovered"], far["stream.missed"]));
        Assert.Equal((0L, 0L, 0L), (far["stream.stale"], far["stream.refused"], far["stream.held.full"]));

        // A late join begins when the neighbours have answered, so that both ends have counted.
        await using var late = await topics.SubscribeAsync("prices", new SubscriptionOptions { Last = 10 }).Soon();
        Assert.Equal(["0", "1", "2"], await late.TakeAsync(3).Soon());
        Assert.True(near["replay.answered done"] > 0);
        Assert.True(far["replay.asked done"] > 0);
        Assert.Equal((0L, 0L), (near["replay.answered failed"], near["stream.delivered"]));

        Assert.Null(await AskAsync(listener, speaker, [0xFF]));
        Assert.Equal(ReplayStatus.Refused, await AskAsync(listener, speaker, ReplayCodec.Write(new ReplayRequest(false, "unknown", null, 0, 0, 10, null))));
        Assert.Equal((1L, 1L), (near["replay.answered failed"], near["replay.answered refused"]));
    }

    [Fact]
    public async Task Losses_are_on_the_meter()
    {
        using var counts = new PubSubCounts();
        var none = new PubSubServiceOptions { Streams = { MaxLogBytes = 0, ReorderTimeout = TimeSpan.FromMilliseconds(100) } };
        await using var speaker = new FakeHost();
        await using var listener = new FakeHost();
        await using var said = speaker.Start(none);
        await using var topics = listener.Start(none, meters: counts);
        FakeHost.Link(speaker, listener);
        await using var heard = await topics.SubscribeAsync("prices").Soon();
        await said.WaitForSubscribersAsync("prices").Soon();
        await said.Say("prices", "0").Soon();
        await heard.TakeAsync(1).Soon();
        FakeHost.Unlink(speaker, listener);
        await said.Say("prices", "1").Soon();
        FakeHost.Link(speaker, listener);
        await said.WaitForSubscribersAsync("prices").Soon();
        await said.Say("prices", "2").Soon();
        await heard.TakeAsync(1).Soon();

        Assert.Equal((2L, 1L, 0L), (counts["stream.delivered"], counts["stream.missed"], counts["stream.recovered"]));
    }

    private static async Task<ReplayStatus?> AskAsync(FakeHost from, FakeHost to, byte[] request)
    {
        await using var stream = await from.Find(to.LocalPeer)!.OpenStreamAsync([ReplayCodec.Protocol]).Soon();
        await stream.WriteAsync(request).Soon();
        await stream.CloseWriteAsync().Soon();
        try
        {
            var body = await stream.ReadLengthDelimitedAsync(1 << 20).Soon();
            return ReplayCodec.TryReadAnswer(body, out _, out var end) ? end : null;
        }
        catch (StarlingException)
        {
            return null;
        }
    }
}
