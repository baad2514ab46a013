using System.Collections.Concurrent;
using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

public sealed class HealthMonitorTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(250);
    private readonly ManualClock _clock = new();
    private readonly ConcurrentQueue<(IPeerLink Link, LinkHealth Health)> _changes = new();

    [Fact]
    public async Task Who_is_told_of_a_change_may_throw_and_every_link_is_judged_once_all_the_same()
    {
        var host = new WatchedHost(_clock);
        await using var monitor = new HealthMonitor(host, null, _clock, (link, health) =>
        {
            OnChange(link, health);
            throw new InvalidOperationException("thrown by the test");
        });
        WatchedLink[] links = [host.Connect(), host.Connect()];
        foreach (var link in links) link.Answers = false;
        Advance(TimeSpan.FromMinutes(2));
        Assert.All(links, link => Assert.Equal([LinkHealth.Suspect, LinkHealth.Dead], _changes.Where(change => change.Link == link).Select(change => change.Health)));
        foreach (var link in links) await link.Closed.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_peer_that_falls_silent_is_suspected_then_given_up_and_its_link_closed()
    {
        await using var a = await TestNode.StartAsync(clock: _clock);
        await using var b = await TestNode.StartAsync();
        await using var proxy = new StallingProxy(b.Address);
        await using var monitor = new HealthMonitor(a.Swarm, null, _clock, OnChange);
        await a.Swarm.ConnectAsync(b.Id, [proxy.Address]).WaitAsync(Patience);
        Assert.Equal("connected", await a.NextEventAsync());
        var link = a.Swarm.FindLink(b.Id)!;
        proxy.Stall();

        while (!_changes.Contains((link, LinkHealth.Suspect))) _clock.Advance(Round);
        Assert.Equal(LinkHealth.Suspect, link.Health);
        Assert.False(link.Connection.Closed.IsCompleted);
        while (!_changes.Contains((link, LinkHealth.Dead))) _clock.Advance(Round);
        Assert.Equal("disconnected KeepAliveTimeout", await a.NextEventAsync());
        Assert.Equal([LinkHealth.Suspect, LinkHealth.Dead], _changes.Select(change => change.Health));
    }

    [Fact]
    public async Task A_bulk_transfer_into_a_stalled_socket_does_not_hang_the_close()
    {
        await using var a = await TestNode.StartAsync(clock: _clock);
        await using var b = await TestNode.StartAsync();
        b.Swarm.Handle("/sink/1", async (stream, cancelled) => await stream.AsStream().CopyToAsync(Stream.Null, cancelled));
        await using var proxy = new StallingProxy(b.Address);
        await using var monitor = new HealthMonitor(a.Swarm, null, _clock, OnChange);
        var link = await a.Swarm.ConnectAsync(b.Id, [proxy.Address]).WaitAsync(Patience);
        await using var stream = await link.OpenStreamAsync(["/sink/1"]).AsTask().WaitAsync(Patience);
        var block = new byte[1 << 20];
        await stream.WriteAsync(block).AsTask().WaitAsync(Patience);
        proxy.Stall();
        var writing = Task.Run(async () =>
        {
            while (true) await stream.WriteAsync(block);
        });

        while (_changes.All(change => change.Health != LinkHealth.Dead)) _clock.Advance(Round);
        Assert.Equal(CloseReason.KeepAliveTimeout, (await link.Connection.Closed.WaitAsync(Patience)).Reason);
        await Assert.ThrowsAsync<ConnectionClosedException>(() => writing.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_suspected_peer_that_is_heard_of_again_is_alive_and_its_late_answer_is_no_harm()
    {
        var host = new WatchedHost(_clock);
        await using var monitor = new HealthMonitor(host, null, _clock, OnChange);
        var link = host.Connect();
        _clock.Advance(Round);
        link.Answers = false;
        while (_changes.IsEmpty) _clock.Advance(Round);
        link.Receive();
        _clock.Advance(Round);
        Assert.Equal([LinkHealth.Suspect, LinkHealth.Alive], _changes.Select(change => change.Health));

        // The old question is still open: it is not asked twice, and silence counts anew.
        var asked = link.Pings.Count;
        while (_changes.Count == 2) _clock.Advance(Round);
        Assert.Equal(asked, link.Pings.Count);
        link.Pings.Last().SetResult(TimeSpan.FromSeconds(9));
        link.Answers = true;
        link.Receive();
        Advance(TimeSpan.FromMinutes(1));
        Assert.Equal([LinkHealth.Suspect, LinkHealth.Alive, LinkHealth.Suspect, LinkHealth.Alive], _changes.Select(change => change.Health));
    }

    [Fact]
    public async Task A_close_that_hangs_is_cut_after_its_time()
    {
        var host = new WatchedHost(_clock);
        await using var monitor = new HealthMonitor(host, null, _clock, OnChange);
        var link = host.Connect();
        (link.Answers, link.Stalled) = (false, true);
        while (_changes.All(change => change.Health != LinkHealth.Dead)) _clock.Advance(Round);
        while (!link.Closed.IsCompleted)
        {
            _clock.Advance(Round);
            await Task.Yield();
        }

        Assert.Equal(CloseReason.KeepAliveTimeout, (await link.Closed.WaitAsync(Patience)).Reason);
    }

    [Fact]
    public async Task A_thousand_idle_links_cost_a_ping_each_interval_and_a_thousand_busy_ones_a_sample()
    {
        var host = new WatchedHost(_clock);
        await using var monitor = new HealthMonitor(host, null, _clock, OnChange);
        var idle = Enumerable.Range(0, 1000).Select(_ => host.Connect()).ToList();
        var busy = Enumerable.Range(0, 1000).Select(_ => host.Connect()).ToList();
        for (var i = 0; i < 240; i++)
        {
            busy.ForEach(link => link.Receive());
            _clock.Advance(Round);
        }

        Assert.All(idle, link => Assert.InRange(link.Pings.Count, 20, 25));
        Assert.All(busy, link => Assert.InRange(link.Pings.Count, 4, 5));
        Assert.Empty(_changes);
    }

    [Fact]
    public async Task A_link_that_is_gone_is_not_watched_any_more()
    {
        var host = new WatchedHost(_clock);
        await using var monitor = new HealthMonitor(host, null, _clock, OnChange);
        var link = host.Connect();
        link.Answers = false;
        host.Disconnect(link);
        Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(link.Pings);
        Assert.Empty(_changes);
    }

    [Fact]
    public async Task Round_trips_are_sampled_without_being_asked_for()
    {
        await using var a = await TestNode.StartAsync();
        await using var b = await TestNode.StartAsync();
        await using var monitor = new HealthMonitor(a.Swarm, new HealthOptions { SampleInterval = TimeSpan.FromMilliseconds(50) });
        b.Swarm.Handle("/echo/1", SwarmTests.EchoAsync);
        await a.ConnectAsync(b);
        var link = a.Swarm.FindLink(b.Id)!;
        while (link.RoundTrip is not { Samples: >= 2 }) Assert.Equal("x", await SwarmTests.EchoAsync(link, "x"));
        Assert.True(link.RoundTrip.Value.Jitter >= TimeSpan.Zero);
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused_by_name()
    {
        var host = new WatchedHost(_clock);
        var error = Assert.Throws<ArgumentException>(() => new HealthMonitor(host, new HealthOptions { Timeout = TimeSpan.FromSeconds(3), LocalHealthMaximum = 99, CloseTimeout = TimeSpan.Zero }));
        Assert.Contains("Timeout", error.Message);
        Assert.Contains("LocalHealthMaximum", error.Message);
        Assert.Contains("CloseTimeout", error.Message);
    }

    private void OnChange(IPeerLink link, LinkHealth health) => _changes.Enqueue((link, health));

    private void Advance(TimeSpan span)
    {
        for (var done = TimeSpan.Zero; done < span; done += Round) _clock.Advance(Round);
    }
}
