using Starling.Net.PubSub;

namespace Starling.Net.Pairing;

/// <summary>One topic that is being paired, or kept so.</summary>
internal sealed class Pairing : IDisposable
{
    private readonly CancellationTokenSource _end;
    private readonly Action _forget;
    private IDisposable? _watching;
    private int _disposed;

    public Pairing(Topic topic, WireTopic wired, PairingOptions options, Action forget, CancellationToken stop)
    {
        (Topic, Wired, Options, _forget) = (topic, wired, options, forget);
        Followers = new PairWatch(wired);
        _end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        End = _end.Token;
    }

    public Topic Topic { get; }

    public WireTopic Wired { get; }

    public PairingOptions Options { get; }

    /// <summary>Who follows the topic.</summary>
    public PairWatch Followers { get; }

    /// <summary>Cancelled when the pairing is over.</summary>
    public CancellationToken End { get; }

    /// <summary>Whether a search is under way.</summary>
    public bool IsSearching { get; set; }

    public PairingStatus Status => new(Topic, Followers.Peers, Options.Wanted, IsSearching);

    public void Watch(ITopicWire wire) => _watching = wire.Observe(Followers);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _end.Cancel();
        _watching?.Dispose();
        _forget();

        // Else every pairing that ever was would stay registered with the stop of the node.
        _end.Dispose();
    }
}
