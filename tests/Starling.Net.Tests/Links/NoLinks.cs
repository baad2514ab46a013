using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

/// <summary>A host that has no links and gets none: every dial fails.</summary>
internal sealed class NoLinks(PeerId self) : ILinkHost
{
    public PeerId LocalPeer => self;

    public IReadOnlyList<Multiaddr> ListenAddresses => [];

    public IReadOnlyList<IPeerLink> Links => [];

    public IPeerLink? Find(PeerId peer) => null;

    public Task<IPeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default) =>
        Task.FromException<IPeerLink>(new HandshakeException(HandshakeFailure.TransportFailed, "Nobody is there."));

    public IDisposable Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32) => throw new NotSupportedException();

    public IDisposable Observe(ILinkObserver observer) => Stream.Null;
}
