using System.Net;
using System.Net.Sockets;
using Starling.Gateways.Gossip;

namespace Starling.Gateways.Tests;

/// <summary>Clients at one node: framing, registrations, bad messages, slow readers, many at once.</summary>
public sealed class GossipApiTests
{
    private const ushort Type = 42;

    [Fact]
    public async Task The_vectors_of_the_wire_text_work_byte_for_byte()
    {
        await using var line = await GossipLine.StartAsync(1);
        using var announcer = await VoidPhoneClient.ConnectAsync(line[0].Address);
        using var events = new EventWatch(line[0]);
        using var client = await VoidPhoneClient.ConnectAsync(line[0].Address);

        await client.SendAsync(Convert.FromHexString("000801f500000018"));
        await events.NextAsync<GossipEvent.Registered>();
        await announcer.SendAsync(Convert.FromHexString("000a01f4200000182050"));

        Assert.Equal("000A01F6000000182050", Convert.ToHexString(await client.ReadFrameAsync()));
        await client.SendAsync(Convert.FromHexString("000801f700000001"));
        await client.SendAsync(Convert.FromHexString("000801f705390001"));
        await client.SendAsync(Convert.FromHexString("000801f50000002a"));
        await events.NextAsync<GossipEvent.Registered>(one => one.DataType == 42);
        Assert.Equal(1, line[0].Counters[GossipCount.StaleVerdicts]);
    }

    [Fact]
    public async Task A_local_announcement_reaches_every_local_subscriber_but_the_announcer()
    {
        await using var line = await GossipLine.StartAsync(1);
        using var announcer = await VoidPhoneClient.SubscribeAsync(line[0], Type);
        using var one = await VoidPhoneClient.SubscribeAsync(line[0], Type, 7);
        using var other = await VoidPhoneClient.SubscribeAsync(line[0], Type);
        using var stranger = await VoidPhoneClient.SubscribeAsync(line[0], 7);

        await announcer.SendAsync(VoidPhoneClient.Announce(0, Type, 1));
        Assert.Equal([1], (await one.ReadAsync()).Data);
        Assert.Equal([1], (await other.ReadAsync()).Data);
        await one.SendAsync(VoidPhoneClient.Announce(0, Type, 2));

        Assert.Equal([2], (await announcer.ReadAsync()).Data);
        await other.SendAsync(VoidPhoneClient.Announce(0, 7, 3));
        Assert.Equal([3], (await stranger.ReadAsync()).Data);
    }

    [Fact]
    public async Task Two_clients_may_announce_the_same_and_nobody_hears_it_twice()
    {
        await using var line = await GossipLine.StartAsync(1);
        using var subscriber = await VoidPhoneClient.SubscribeAsync(line[0], Type);
        using var events = new EventWatch(line[0]);
        using var one = await VoidPhoneClient.ConnectAsync(line[0].Address);
        using var other = await VoidPhoneClient.ConnectAsync(line[0].Address);

        await one.SendAsync(VoidPhoneClient.Announce(0, Type, 1));
        Assert.Equal(GossipAnnounceOutcome.Spread, (await events.NextAsync<GossipEvent.Announced>()).Outcome);
        await other.SendAsync(VoidPhoneClient.Announce(0, Type, 1));
        Assert.Equal(GossipAnnounceOutcome.Repeated, (await events.NextAsync<GossipEvent.Announced>()).Outcome);
        await other.SendAsync(VoidPhoneClient.Announce(0, Type, 2));

        Assert.Equal([1], (await subscriber.ReadAsync()).Data);
        Assert.Equal([2], (await subscriber.ReadAsync()).Data);
    }

    [Fact]
    public async Task Who_registers_late_gets_the_valid_messages_of_the_cache_the_oldest_first()
    {
        await using var line = await GossipLine.StartAsync(1, options => options.CacheSize = 3);
        using var announcer = await VoidPhoneClient.SubscribeAsync(line[0], Type);
        for (byte i = 0; i < 5; i++) await announcer.SendAsync(VoidPhoneClient.Announce(0, i == 3 ? (ushort)7 : Type, i));
        await announcer.SendAsync([.. VoidPhoneClient.Announce(0, 8, 9), .. VoidPhoneClient.Notify(8)]);

        using var late = await VoidPhoneClient.SubscribeAsync(line[0], 8);
        Assert.Equal([9], (await late.ReadAsync()).Data);
        await late.SendAsync(VoidPhoneClient.Notify(Type));
        var (id, type, data) = await late.ReadAsync();
        Assert.Equal((1, Type), (id, type));
        Assert.Equal([4], data);
    }

    [Fact]
    public async Task A_later_veto_removes_a_local_message_from_the_cache_for_good()
    {
        await using var line = await GossipLine.StartAsync(1);
        using var announcer = await VoidPhoneClient.ConnectAsync(line[0].Address);
        using var subscriber = await VoidPhoneClient.SubscribeAsync(line[0], Type);
        using var events = new EventWatch(line[0]);
        await announcer.SendAsync([.. VoidPhoneClient.Announce(0, Type, 1), .. VoidPhoneClient.Announce(0, Type, 2)]);
        await subscriber.JudgeAsync(valid: false, 1);
        await subscriber.JudgeAsync(valid: true, 2);
        await subscriber.SendAsync(VoidPhoneClient.Notify(99));
        await events.NextAsync<GossipEvent.Registered>();

        using var late = await VoidPhoneClient.SubscribeAsync(line[0], Type);
        Assert.Equal([2], (await late.ReadAsync()).Data);
        await announcer.SendAsync(VoidPhoneClient.Announce(0, Type, 1));
        Assert.Equal(GossipAnnounceOutcome.Vetoed, (await events.NextAsync<GossipEvent.Announced>(one => one.Outcome != GossipAnnounceOutcome.Spread)).Outcome);
        Assert.Single(line[0].CachedMessages);
    }

    [Fact]
    public async Task In_strict_mode_a_type_that_nobody_is_registered_for_is_refused_and_the_client_stays()
    {
        await using var line = await GossipLine.StartAsync(1, options => options.Strict = true);
        using var events = new EventWatch(line[0]);
        using var client = await VoidPhoneClient.ConnectAsync(line[0].Address);

        await client.SendAsync(VoidPhoneClient.Announce(0, Type, 1));
        Assert.Equal(GossipAnnounceOutcome.Unregistered, (await events.NextAsync<GossipEvent.Announced>()).Outcome);
        await client.SendAsync([.. VoidPhoneClient.Notify(Type), .. VoidPhoneClient.Announce(0, Type, 1)]);
        Assert.Equal(GossipAnnounceOutcome.Spread, (await events.NextAsync<GossipEvent.Announced>()).Outcome);
        Assert.Equal(1, line[0].Counters[GossipCount.AnnouncedUnregistered]);
    }

    [Fact]
    public async Task Messages_may_come_byte_by_byte_or_many_in_one_segment()
    {
        await using var line = await GossipLine.StartAsync(1);
        using var client = await VoidPhoneClient.ConnectAsync(line[0].Address);
        using var announcer = await VoidPhoneClient.ConnectAsync(line[0].Address);
        foreach (var one in VoidPhoneClient.Notify(Type)) await client.SendAsync(one);
        using var events = new EventWatch(line[0]);
        foreach (var one in VoidPhoneClient.Notify(7)) await client.SendAsync(one);
        await events.NextAsync<GossipEvent.Registered>(one => one.DataType == 7);
        byte[] all = [.. Enumerable.Range(0, 20).SelectMany(i => VoidPhoneClient.Announce(0, Type, (byte)i, 1, 2, 3))];

        for (var split = 1; split < 12; split++)
        {
            all[8] = (byte)(100 + split);
            await announcer.SendAsync(all[..(all.Length - split)]);
            await announcer.SendAsync(all[^split..]);
        }

        // What is in the cache is no news: of each further turn only the message that differs.
        for (var i = 0; i < 20; i++) Assert.Equal(i == 0 ? 101 : i, (await client.ReadAsync()).Data[0]);
        for (var split = 2; split < 12; split++) Assert.Equal(100 + split, (await client.ReadAsync()).Data[0]);
    }

    [Theory]
    [InlineData("000301f4", GossipCloseReason.TooShort), InlineData("000701f4", GossipCloseReason.TooShort), InlineData("000901f5", GossipCloseReason.WrongSize)]
    [InlineData("00080001", GossipCloseReason.UnknownType), InlineData("000a01f60539002a5020", GossipCloseReason.WrongDirection), InlineData("000001f4", GossipCloseReason.TooShort)]
    public async Task A_bad_message_closes_its_client_at_once_and_nobody_else(string hex, GossipCloseReason why)
    {
        await using var line = await GossipLine.StartAsync(1);
        using var good = await VoidPhoneClient.SubscribeAsync(line[0], Type);
        using var bad = await VoidPhoneClient.SubscribeAsync(line[0], Type);
        using var events = new EventWatch(line[0]);

        await bad.SendAsync([.. VoidPhoneClient.Announce(0, Type, 1), .. Convert.FromHexString(hex)]);

        await bad.ClosedAsync();
        Assert.Equal(why, (await events.NextAsync<GossipEvent.ClientClosed>()).Reason);
        Assert.Equal(1, line[0].ClosedFor(why));
        Assert.Equal([1], (await good.ReadAsync()).Data);
        Assert.Equal(1, line[0].Clients);
    }

    [Fact]
    public async Task A_client_that_ends_in_the_middle_of_a_message_is_told_apart_from_one_that_has_done()
    {
        await using var line = await GossipLine.StartAsync(1);
        using var events = new EventWatch(line[0]);
        var whole = await VoidPhoneClient.ConnectAsync(line[0].Address);
        await whole.SendAsync(VoidPhoneClient.Notify(Type));
        whole.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal(GossipCloseReason.ClientClosed, (await events.NextAsync<GossipEvent.ClientClosed>()).Reason);
        var cut = await VoidPhoneClient.ConnectAsync(line[0].Address);
        await cut.SendAsync(VoidPhoneClient.Notify(Type)[..7]);
        cut.Socket.Shutdown(SocketShutdown.Send);

        Assert.Equal(GossipCloseReason.Truncated, (await events.NextAsync<GossipEvent.ClientClosed>()).Reason);
        Assert.Empty(line[0].RegisteredTypes);
        whole.Dispose();
        cut.Dispose();
    }

    [Fact]
    public async Task A_slow_reader_is_closed_and_counted_and_stalls_nobody()
    {
        await using var line = await GossipLine.StartAsync(1, options => options.MaxQueuedBytes = 1 << 20);
        using var slow = await VoidPhoneClient.SubscribeAsync(line[0], Type);
        using var quick = await VoidPhoneClient.SubscribeAsync(line[0], Type);
        using var announcer = await VoidPhoneClient.ConnectAsync(line[0].Address);
        using var events = new EventWatch(line[0]);
        var data = new byte[60_000];
        var closed = events.NextAsync<GossipEvent.ClientClosed>();

        var sent = 0;
        for (; !closed.IsCompleted; sent++)
        {
            Assert.True(sent < 2000, "The slow reader was never closed.");
            (data[0], data[1]) = ((byte)(sent >> 8), (byte)sent);
            await announcer.SendAsync(VoidPhoneClient.Announce(0, Type, data));
            Assert.Equal(data, (await quick.ReadAsync()).Data);
        }

        var gone = await closed;
        Assert.Equal(GossipCloseReason.SlowReader, gone.Reason);
        Assert.True(gone.LostNotifications >= 15, $"{gone.LostNotifications} were lost");
        Assert.Equal(gone.LostNotifications, line[0].Counters[GossipCount.NotificationsLost]);
        Assert.Equal(1, line[0].ClosedFor(GossipCloseReason.SlowReader));
    }

    [Fact]
    public async Task A_thousand_clients_at_once_all_hear_of_every_message()
    {
        await using var line = await GossipLine.StartAsync(1);
        using var events = new EventWatch(line[0]);
        var clients = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => VoidPhoneClient.ConnectAsync(line[0].Address)));
        await Task.WhenAll(clients.Select(client => client.SendAsync(VoidPhoneClient.Notify(Type))));
        for (var i = 0; i < clients.Length; i++) await events.NextAsync<GossipEvent.Registered>();
        Assert.Equal(1000, line[0].Clients);

        using var announcer = await VoidPhoneClient.ConnectAsync(line[0].Address);
        await announcer.SendAsync([.. VoidPhoneClient.Announce(0, Type, 1), .. VoidPhoneClient.Announce(0, Type, 2)]);
        await Task.WhenAll(clients.Select(async client =>
        {
            await client.JudgeAsync(valid: true, 1);
            await client.JudgeAsync(valid: true, 2);
        }));

        foreach (var client in clients) client.Dispose();
        for (var i = 0; i < clients.Length; i++) await events.NextAsync<GossipEvent.ClientClosed>();
        Assert.Empty(line[0].RegisteredTypes);
    }

    [Fact]
    public async Task One_client_too_many_and_one_registration_too_many_are_refused()
    {
        await using var line = await GossipLine.StartAsync(1, options => (options.MaxClients, options.MaxRegistrations) = (2, 2));
        using var one = await VoidPhoneClient.SubscribeAsync(line[0], 1, 2);
        using var greedy = await VoidPhoneClient.ConnectAsync(line[0].Address);
        await greedy.SendAsync(VoidPhoneClient.Notify(3));
        await greedy.ClosedAsync();
        Assert.Equal(1, line[0].ClosedFor(GossipCloseReason.TooManyRegistrations));

        using var events = new EventWatch(line[0]);
        using var second = await VoidPhoneClient.ConnectAsync(line[0].Address);
        await second.SendAsync(VoidPhoneClient.Announce(0, 9, 1));
        await events.NextAsync<GossipEvent.Announced>();
        using var third = await VoidPhoneClient.ConnectAsync(line[0].Address);
        await third.ClosedAsync();

        Assert.Equal(1, line[0].ClosedFor(GossipCloseReason.TooManyClients));
        Assert.Equal([1, 2], line[0].RegisteredTypes);
    }

    [Fact]
    public async Task An_address_in_use_and_a_second_api_of_a_node_are_refused_with_a_reason()
    {
        await using var line = await GossipLine.StartAsync(1);
        await using var node = await StarlingNode.StartAsync();

        var taken = await Assert.ThrowsAsync<StarlingException>(() => GossipApi.StartAsync(node, new GossipApiOptions { Listen = line[0].Address }));
        var second = await Assert.ThrowsAsync<StarlingException>(() => GossipApi.StartAsync(line.Nodes[0], new GossipApiOptions { Listen = new IPEndPoint(IPAddress.IPv6Loopback, 0) }));

        Assert.Contains(line[0].Address.ToString(), taken.Message);
        Assert.Contains(GossipApi.SpreadKindName, second.Message);
        await Assert.ThrowsAsync<ArgumentException>(() => GossipApi.StartAsync(node, new GossipApiOptions { CacheSize = 0 }));
    }

    [Fact]
    public async Task The_program_of_the_page_on_the_gossip_api_does_what_it_says()
    {
        await using var node = await StarlingNode.StartAsync();

        await using var api = await GossipApi.StartAsync(node, new GossipApiOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0), MaxTtl = 8 });

        using var client = await VoidPhoneClient.SubscribeAsync(api, Type);
        Assert.Equal([Type], api.RegisteredTypes);
    }

    [Fact]
    public async Task An_api_can_be_stopped_and_started_again_on_IPv6_too_and_its_clients_see_the_end()
    {
        await using var node = await StarlingNode.StartAsync();
        for (var i = 0; i < 2; i++)
        {
            var api = await GossipApi.StartAsync(node, new GossipApiOptions { Listen = new IPEndPoint(IPAddress.IPv6Loopback, 0) });
            using var client = await VoidPhoneClient.SubscribeAsync(api, Type);
            await api.DisposeAsync();
            await api.DisposeAsync();
            await client.ClosedAsync();
        }
    }
}
