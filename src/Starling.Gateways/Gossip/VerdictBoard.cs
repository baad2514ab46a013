namespace Starling.Gateways.Gossip;

/// <summary>How far the verdict on a message is.</summary>
public enum GossipOutcome
{
    /// <summary>Somebody is still awaited.</summary>
    Open,

    /// <summary>It spreads.</summary>
    Accepted,

    /// <summary>Somebody has refused it.</summary>
    Vetoed,

    /// <summary>Nobody has accepted it in time.</summary>
    Dropped,
}

/// <summary>Collects the verdicts of clients on messages: all of them must accept, one may veto, and when the time is over those who accepted are enough. Not safe for several threads.</summary>
/// <typeparam name="TMessage">Tells messages apart.</typeparam>
public sealed class VerdictBoard<TMessage>
    where TMessage : notnull
{
    private readonly Dictionary<TMessage, Poll> _polls = [];
    private readonly LinkedList<TMessage> _order = new();

    /// <summary>Messages that await a verdict.</summary>
    public int Count => _polls.Count;

    /// <summary>The first instant at which <see cref="Expire"/> may have something to do.</summary>
    public Instant NextDeadline => _order.First is { } first ? _polls[first.Value].Deadline : Instant.Never;

    /// <summary>Asks clients for their verdict on a message.</summary>
    /// <param name="message">Not one that is open.</param>
    /// <param name="clients">Who is asked; at least one.</param>
    /// <param name="deadline">When the wait ends; not before that of an earlier message.</param>
    public void Open(TMessage message, IEnumerable<long> clients, Instant deadline)
    {
        var poll = new Poll([.. clients], deadline);
        _polls.Add(message, poll);
        poll.Place = _order.AddLast(message);
    }

    /// <summary>Whether the message awaits a verdict.</summary>
    public bool IsOpen(TMessage message) => _polls.ContainsKey(message);

    /// <summary>A client has judged. The first refusal decides; who has accepted may still refuse as long as others are awaited.</summary>
    /// <param name="message">One that is open.</param>
    /// <param name="client">Somebody who was asked; anybody else changes nothing.</param>
    /// <param name="isValid">The verdict.</param>
    public GossipOutcome Vote(TMessage message, long client, bool isValid)
    {
        var poll = _polls[message];
        if (!poll.Asked.Contains(client)) return GossipOutcome.Open;
        if (!isValid) return End(message, GossipOutcome.Vetoed);
        if (!poll.Awaited.Remove(client)) return GossipOutcome.Open;
        poll.Accepted++;
        return Settle(message, poll);
    }

    /// <summary>A client is gone: its say lapses where it has not judged yet.</summary>
    /// <returns>The messages that this decides.</returns>
    public IReadOnlyList<(TMessage Message, GossipOutcome Outcome)> Lapse(long client)
    {
        List<(TMessage, GossipOutcome)> decided = [];
        foreach (var (message, poll) in _polls.ToArray())
        {
            if (!poll.Asked.Remove(client) || !poll.Awaited.Remove(client)) continue;
            if (Settle(message, poll) is var outcome and not GossipOutcome.Open) decided.Add((message, outcome));
        }

        return decided;
    }

    /// <summary>Ends the waits whose time is over.</summary>
    public IReadOnlyList<(TMessage Message, GossipOutcome Outcome)> Expire(Instant now)
    {
        List<(TMessage, GossipOutcome)> decided = [];
        while (_order.First is { } first && _polls[first.Value].Deadline <= now) decided.Add((first.Value, Close(first.Value)));
        return decided;
    }

    /// <summary>Ends the wait on one message now, as if its time were over.</summary>
    /// <param name="message">One that is open.</param>
    public GossipOutcome Close(TMessage message) => End(message, _polls[message].Accepted > 0 ? GossipOutcome.Accepted : GossipOutcome.Dropped);

    private GossipOutcome Settle(TMessage message, Poll poll) => poll.Awaited.Count > 0 ? GossipOutcome.Open : Close(message);

    private GossipOutcome End(TMessage message, GossipOutcome outcome)
    {
        _polls.Remove(message, out var poll);
        _order.Remove(poll!.Place);
        return outcome;
    }

    private sealed class Poll(HashSet<long> asked, Instant deadline)
    {
        public HashSet<long> Asked { get; } = asked;

        public HashSet<long> Awaited { get; } = [.. asked];

        public Instant Deadline { get; } = deadline;

        public LinkedListNode<TMessage> Place { get; set; } = null!;

        public int Accepted { get; set; }
    }
}
