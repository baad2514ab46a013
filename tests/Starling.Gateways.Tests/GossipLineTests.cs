using Starling.Gateways.Gossip;

namespace Starling.Gateways.Tests;

/// <summary>Clients at a line of three real nodes.</summary>
public sealed class GossipLineTests
{
    private const ushort Type = 42;

    [Fact]
    public async Task An_announcement_reaches_the_far_end_once_those_between_have_accepted_it()
    {
        await using var line = await GossipLine.StartAsync(3);
        using var announcer = await VoidPhoneClient.ConnectAsync(line[0].Address);
        using var middle = await VoidPhoneClient.SubscribeAsync(line[1], Type);
        using var far = await VoidPhoneClient.SubscribeAsync(line[2], Type);

        await announcer.SendAsync(VoidPhoneClient.Announce(0, Type, 1, 2, 3));
        await middle.JudgeAsync(valid: true, 1, 2, 3);

        await far.JudgeAsync(valid: true, 1, 2, 3);
    }

    [Fact]
    public async Task A_vetoed_message_goes_no_further_and_the_next_one_does()
    {
        await using var line = await GossipLine.StartAsync(3);
        using var announcer = await VoidPhoneClient.ConnectAsync(line[0].Address);
        using var middle = await VoidPhoneClient.SubscribeAsync(line[1], Type);
        using var other = await VoidPhoneClient.SubscribeAsync(line[1], Type);
        using var far = await VoidPhoneClient.SubscribeAsync(line[2], Type);
        using var events = new EventWatch(line[1]);

        await announcer.SendAsync(VoidPhoneClient.Announce(0, Type, 1));
        await middle.JudgeAsync(valid: true, 1);
        await other.JudgeAsync(valid: false, 1);
        Assert.Equal(GossipOutcome.Vetoed, (await events.NextAsync<GossipEvent.Judged>()).Outcome);
        await announcer.SendAsync(VoidPhoneClient.Announce(0, Type, 2));
        await middle.JudgeAsync(valid: true, 2);
        await other.JudgeAsync(valid: true, 2);

        Assert.Equal([2], (await far.ReadAsync()).Data);
    }
}
