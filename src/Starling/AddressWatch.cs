using Starling.Net.Discovery;
using Starling.Net.Links;

namespace Starling;

/// <summary>Tells peers and discoveries at once when the node's addresses have changed with the network.</summary>
internal sealed class AddressWatch : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Swarm _swarm;
    private readonly DiscoverySet _discovery;
    private readonly IDisposable _watching;
    private IReadOnlyList<Multiaddr> _told = [];

    public AddressWatch(Swarm swarm, DiscoverySet discovery, INetwork network)
    {
        (_swarm, _discovery) = (swarm, discovery);
        _watching = network.Watch(OnNetworkChanged);
    }

    /// <summary>The node listens on other addresses; linked peers are told by whoever changed that.</summary>
    public void OnListening()
    {
        lock (_gate) _told = _swarm.AnnouncedAddresses;
        _discovery.AddressesChanged();
    }

    public void Dispose() => _watching.Dispose();

    private void OnNetworkChanged()
    {
        lock (_gate)
        {
            var now = _swarm.AnnouncedAddresses;
            if (now.SequenceEqual(_told)) return;
            _told = now;
        }

        _swarm.AddressesChanged();
        _discovery.AddressesChanged();
    }
}
