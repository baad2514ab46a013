using System.Collections.Concurrent;
using System.Diagnostics;

namespace Starling.Net.Tests.Links;

public class LinkActivityTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_dial_and_both_ends_of_a_stream_are_activities_under_the_callers_own()
    {
        var ended = new ConcurrentQueue<Activity>();
        using var inbound = new SemaphoreSlim(0);
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        b.Swarm.Handle("/traced/1", async (stream, cancelled) => await stream.ReadAsync(new byte[1], cancelled));
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Tracing.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                ended.Enqueue(activity);
                if (activity.Kind == ActivityKind.Server && "/traced/1".Equals(activity.GetTagItem("starling.protocol"))) inbound.Release();
            },
        };
        ActivitySource.AddActivityListener(listener);
        using var mine = new Activity("mine").Start();

        var link = await a.ConnectAsync(b);
        var stream = await link.OpenStreamAsync(["/traced/1"]);
        await stream.WriteAsync(new byte[1]);
        await stream.CloseWriteAsync();
        await stream.DisposeAsync();
        Assert.True(await inbound.WaitAsync(Patience));
        await Assert.ThrowsAsync<HandshakeException>(() => a.Swarm.ConnectAsync(a.Id, a.Addresses).WaitAsync(Patience));
        Assert.Same(mine, Activity.Current);

        var dials = ended.Where(one => one.OperationName == "starling.dial" && one.TraceId == mine.TraceId).ToList();
        Assert.Equal([ActivityStatusCode.Unset, ActivityStatusCode.Error], dials.Select(one => one.Status));
        Assert.Equal(b.Id.ToString(), dials[0].GetTagItem("starling.peer"));
        var opened = Assert.Single(ended, one => one.OperationName == "starling.stream" && one.Kind == ActivityKind.Client && one.TraceId == mine.TraceId);
        Assert.Equal("/traced/1", opened.GetTagItem("starling.protocol"));
    }
}
