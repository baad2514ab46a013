namespace Starling.Simulation;

/// <summary>One message on its way, and whom it has reached.</summary>
internal sealed class PublishedMessage(int number, int nodes, long time, SimulationPhase phase)
{
    private readonly ulong[] _expected = new ulong[(nodes + 63) / 64];
    private readonly ulong[] _delivered = new ulong[(nodes + 63) / 64];

    public int Number { get; } = number;

    public long Time { get; } = time;

    public SimulationPhase Phase { get; } = phase;

    public void Expect(int node) => _expected[node >> 6] |= 1ul << (node & 63);

    /// <summary>Whether the node was to get the message and has not; it is not expected to any more.</summary>
    public bool TryExcuse(int node)
    {
        var bit = 1ul << (node & 63);
        if ((_expected[node >> 6] & ~_delivered[node >> 6] & bit) == 0) return false;
        _expected[node >> 6] &= ~bit;
        return true;
    }

    /// <summary>False when the node had the message already.</summary>
    public bool TryDeliver(int node, out bool expected)
    {
        var bit = 1ul << (node & 63);
        expected = (_expected[node >> 6] & bit) != 0;
        if ((_delivered[node >> 6] & bit) != 0) return false;
        _delivered[node >> 6] |= bit;
        return true;
    }
}
