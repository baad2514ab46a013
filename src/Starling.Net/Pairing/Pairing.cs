using Starling.Net.PubSub;

namespace Starling.Net.Pairing;

/// <summary>One topic that is being paired, or kept so.</summary>
internal sealed class Pairing(Topic topic, WireTopic wired, PairingOptions options, Action forget, CancellationToken stop) : IDisposable
{
    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(stop);
    private IDisposable? _watching;
    private int _disposed;

    public Topic Topic => topic;

    public WireTopic Wired => wired;

    public PairingOptions Options => options;

    /// <summary>Who follows the topic.</summary>
    public PairWatch Followers { get; } = new(wired);

    /// <summary>Cancelled when the pairing is over.</summary>
    public CancellationToken End => _end.Token;

    /// <summary>Whether a search is under way.</summary>
    public bool IsSearching { get; set; }

    public PairingStatus Status => new(topic, Followers.Peers, options.Wanted, IsSearching);

    public void Watch(ITopicWire wire) => _watching = wire.Observe(Followers);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _end.Cancel();
        _watching?.Dispose();
        forget();
    }
}
