namespace Starling.Net.Links;

/// <summary>Remembers who answered first at addresses that name nobody: trust on first use, for as long as the node runs. Safe for several threads.</summary>
internal sealed class PeerPins(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Multiaddr, PeerId> _pins = [];
    private readonly Queue<Multiaddr> _order = new();

    /// <summary>The one peer that the addresses are known to lead to, or null.</summary>
    /// <exception cref="HandshakeException">Different peers answered at them before.</exception>
    public PeerId? Find(IReadOnlyList<Multiaddr> addresses)
    {
        lock (_gate)
        {
            PeerId? found = null;
            foreach (var address in addresses)
            {
                if (!_pins.TryGetValue(address, out var pinned)) continue;
                if (found is not null && !found.Equals(pinned))
                {
                    throw new HandshakeException(HandshakeFailure.PeerIdMismatch, $"The addresses lead to different peers: {found} and, at {address}, {pinned}. Connect to them one by one.");
                }

                found = pinned;
            }

            return found;
        }
    }

    /// <summary>Remembers who answered, unless the address is known already.</summary>
    public void Add(Multiaddr address, PeerId peer)
    {
        lock (_gate)
        {
            if (!_pins.TryAdd(address, peer)) return;
            _order.Enqueue(address);
            if (_order.Count > capacity) _pins.Remove(_order.Dequeue());
        }
    }
}
