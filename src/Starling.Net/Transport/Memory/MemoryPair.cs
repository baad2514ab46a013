using System.IO.Pipelines;

namespace Starling.Net.Transport;

/// <summary>The two ends of one in-memory connection.</summary>
internal sealed class MemoryPair
{
    private const int PauseAt = 64 << 10;

    private readonly MemoryNetwork _network;
    private readonly MemoryChannel[] _ends;
    private int _openEnds = 2;

    public MemoryPair(MemoryNetwork network)
    {
        _network = network;
        // A writer waits once this much is unread, as a socket's does.
        var options = new PipeOptions(pauseWriterThreshold: PauseAt, resumeWriterThreshold: PauseAt / 2, useSynchronizationContext: false);
        var there = new Pipe(options);
        var back = new Pipe(options);
        _ends = [new MemoryChannel(this, back.Reader, there.Writer), new MemoryChannel(this, there.Reader, back.Writer)];
    }

    public Stream Dialler => _ends[0];

    public Stream Listener => _ends[1];

    public void Abort()
    {
        foreach (var end in _ends) end.Close(new IOException("The in-memory connection was cut."));
    }

    public void EndClosed()
    {
        if (Interlocked.Decrement(ref _openEnds) == 0) _network.Closed(this);
    }
}
