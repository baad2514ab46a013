using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

/// <summary>A host that has no links and gets none: every dial fails.</summary>
internal sealed class NoLinks(PeerId self) : ILinkHost
{
    private int _failing = int.MaxValue;

    /// <summary>Dials that fail at once; those after them hang until they are cancelled.</summary>
    public int FailingDials
    {
        init => _failing = value;
    }

    public PeerId LocalPeer => self;

    public IReadOnlyList<Multiaddr> ListenAddresses => [];

    public IReadOnlyList<IPeerLink> Links => [];

    public IPeerLink? Find(PeerId peer) => null;

    public async Task<IPeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default)
    {
        if (Interlocked.Decrement(ref _failing) < 0) await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        throw new HandshakeException(HandshakeFailure.TransportFailed, "Nobody is there.");
    }

    public IDisposable Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32) => throw new NotSupportedException();

    public IDisposable Observe(ILinkObserver observer) => Stream.Null;
}
