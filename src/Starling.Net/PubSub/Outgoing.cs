using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>A message in a neighbour's queue, and who waits until no queue holds it.</summary>
internal readonly record struct Outgoing(PubSubMessage Message, Release? Release)
{
    public int Size => Message.Encoded.Length;
}

/// <summary>Counts the queues that hold one message of this node, and the publish itself; the last one to let go tells the observer.</summary>
internal sealed class Release(IReleaseObserver observer)
{
    private int _holders = 1;

    public void Hold() => Interlocked.Increment(ref _holders);

    public void LetGo()
    {
        if (Interlocked.Decrement(ref _holders) == 0) observer.Released();
    }
}
