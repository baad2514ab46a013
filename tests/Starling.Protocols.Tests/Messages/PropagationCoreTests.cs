using Starling.Protocols.Messages;
using Starling.Protocols.Tests.Links;

namespace Starling.Protocols.Tests.Messages;

public sealed class PropagationCoreTests
{
    private static readonly PeerId[] Peers = [.. Enumerable.Range(1, 4).Select(i => TestPeers.Get((byte)i))];

    [Fact]
    public void Initialization_goes_to_each_that_needs_it_until_all_have_it()
    {
        var core = new PropagationCore(new InitializationPropagation(peer => peer != Peers[3]), new PropagationOptions());
        Assert.Empty(core.Next([], out _)!);
        Assert.Equal(Peers[..3], core.Next(Peers, out _)!);
        core.Reach(Peers[0]);
        core.Reach(Peers[2]);
        Assert.Equal([Peers[1]], core.Next(Peers, out _)!);
        core.Reach(Peers[1]);
        Assert.Null(core.Next(Peers, out var end));
        Assert.Equal((PropagationEnd.Finished, 3), (end, core.Rounds));
    }

    [Fact]
    public void Rounds_that_change_nothing_end_it_early_and_a_new_neighbour_prolongs_it()
    {
        var core = new PropagationCore(new StablePropagation(), new PropagationOptions { UnchangedRounds = 3 });
        var rounds = 0;
        var end = PropagationEnd.Finished;
        while (core.Next(rounds < 2 ? Peers[..2] : Peers, out end) is { } chosen)
        {
            foreach (var peer in chosen) core.Reach(peer);
            rounds++;
        }

        Assert.Equal((PropagationEnd.Unchanged, 6), (end, rounds));
        Assert.Equal(4, core.Reached.Count);
    }

    [Fact]
    public void Rounds_are_bounded_however_much_changes()
    {
        var core = new PropagationCore(new Alternating(), new PropagationOptions { MaxRounds = 7, UnchangedRounds = 2 });
        while (core.Next(Peers, out var end) is not null || end != PropagationEnd.MaxRounds) continue;
        Assert.Equal(7, core.Rounds);
    }

    private sealed class Alternating : IPropagationStrategy
    {
        public string Name => "alternating";

        public IReadOnlyCollection<PeerId> Choose(PropagationRound round) => [round.Neighbours[round.Number % 2]];
    }
}
