using Starling.Protocols.Messages;
using Starling.Protocols.Tests.Links;

namespace Starling.Protocols.Tests.Messages;

public sealed class SeenMessagesTests
{
    private readonly SeenMessages _seen = new(TimeSpan.FromSeconds(10), 100);

    [Fact]
    public void A_message_is_new_once_per_origin_until_its_time_is_over()
    {
        Assert.True(_seen.TryAdd(Key(1), At(0)));
        Assert.False(_seen.TryAdd(Key(1), At(9.9)));
        Assert.True(_seen.TryAdd(Key(1) with { Origin = TestPeers.Get(2) }, At(9.9)));
        Assert.True(_seen.TryAdd(Key(1), At(10)));
        Assert.Equal(0, _seen.Evicted);
    }

    [Fact]
    public void Ten_thousand_messages_take_no_more_room_than_allowed_and_the_latest_are_known()
    {
        for (var i = 0; i < 10_000; i++)
        {
            Assert.True(_seen.TryAdd(Key(i), At(0)));
            Assert.InRange(_seen.Count, 1, 100);
        }

        Assert.Equal(9_900, _seen.Evicted);
        for (var i = 9_900; i < 10_000; i++) Assert.False(_seen.TryAdd(Key(i), At(1)));
    }

    [Fact]
    public void A_forgotten_message_is_new_again_and_its_old_entry_does_not_shorten_its_time()
    {
        _seen.TryAdd(Key(1), At(0));
        Assert.True(_seen.Forget(Key(1)));
        Assert.True(_seen.TryAdd(Key(1), At(5)));
        Assert.False(_seen.TryAdd(Key(1), At(14)));
        Assert.True(_seen.TryAdd(Key(1), At(15)));
    }

    private static MessageKey Key(int id) => new(TestPeers.Get(1), new MessageUid((UInt128)id));

    private static Instant At(double seconds) => new(TimeSpan.FromSeconds(seconds).Ticks);
}
