namespace Starling.Simulation;

/// <summary>Which message was to reach whom, and did.</summary>
internal sealed class DeliveryLog(int nodes)
{
    private readonly List<PublishedMessage> _messages = [];
    private readonly List<SimulationPhase> _phases = [];

    public IReadOnlyList<SimulationPhase> Phases => _phases;

    public void Begin(SimulationPhase phase) => _phases.Add(phase);

    public PublishedMessage Publish(Instant now)
    {
        var message = new PublishedMessage(_messages.Count, nodes, now.Ticks, _phases[^1]);
        message.Phase.Messages++;
        _messages.Add(message);
        return message;
    }

    public void CountCopy(ulong number)
    {
        if (number < (ulong)_messages.Count) _messages[(int)number].Phase.Copies++;
    }

    public void Deliver(ulong number, int node, Instant now)
    {
        var message = _messages[(int)number];
        if (!message.TryDeliver(node, out var expected))
        {
            message.Phase.Repeated++;
            return;
        }

        message.Phase.FirstCopies++;
        if (!expected) return;
        message.Phase.Delivered++;
        message.Phase.Latency.Add(new TimeSpan(now.Ticks - message.Time));
    }

    /// <summary>A node went away: what it had not got and was published since is not expected of it any more.</summary>
    public void Excuse(int node, Instant since)
    {
        for (var i = _messages.Count - 1; i >= 0 && _messages[i].Time >= since.Ticks; i--)
        {
            if (_messages[i].TryExcuse(node)) _messages[i].Phase.Expected--;
        }
    }
}
