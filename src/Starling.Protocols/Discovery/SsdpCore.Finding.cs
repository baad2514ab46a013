using System.Net;

namespace Starling.Protocols.Discovery;

public sealed partial class SsdpCore
{
    private const int MaxPlacesPerPeer = 4;
    private static readonly TimeSpan ShortestAge = TimeSpan.FromSeconds(60);

    private readonly Dictionary<(int Face, IPEndPoint Location), Place> _places = [];

    // Peers by id, and nodes that do not tell theirs by their place.
    private readonly Dictionary<object, List<Place>> _known = [];

    // Not later than the first expiry; refreshed places make it early, which a tick puts right.
    private Instant _nextExpiry = Instant.Never;

    /// <summary>Nodes that are known now.</summary>
    public int PeerCount => _known.Count;

    private DiscoveryRefusal? OnPlace(int face, IPEndPoint from, SsdpMessage message, Instant now, ICollection<DiscoveryEffect> effects)
    {
        var location = message.Location!;
        var (isOwnPlace, isOwnId) = (location.Equals(_faces[face].Location), _self.Equals(message.Peer));
        if (isOwnPlace && (isOwnId || message.Peer is null)) return null;
        if (isOwnPlace || isOwnId) return DiscoveryRefusal.OwnPeerId;
        if (!_options.AllowForeignLocations && !location.Address.Equals(from.Address)) return DiscoveryRefusal.ForeignLocation;
        if (!FaceAddresses.IsFit(location.Address, _faces[face].Interface.Address)) return DiscoveryRefusal.UnfitAddress;

        // A node that is heard in both ways is kept for as long as the longer of the two says.
        var age = message.MaxAge ?? 3 * _options.BeaconInterval;
        age = age < ShortestAge ? ShortestAge : age > 2 * _options.SearchInterval ? 2 * _options.SearchInterval : age;
        return Keep((face, location), message.Peer, now + age, effects);
    }

    private DiscoveryRefusal? Keep((int Face, IPEndPoint Location) key, PeerId? peer, Instant expires, ICollection<DiscoveryEffect> effects)
    {
        if (_places.TryGetValue(key, out var known))
        {
            if (peer is null || peer.Equals(known.Peer))
            {
                known.Expires = Later(known.Expires, expires);
                Report(known, isNews: false, effects);
                return null;
            }

            // Another node lives there now, or the same says who it is.
            Remove(known, effects);
        }
        else if (_places.Count >= _options.MaxPeers)
        {
            return DiscoveryRefusal.TableFull;
        }

        var place = new Place(key, peer, Multiaddr.Parse($"/ip4/{key.Location.Address}/tcp/{key.Location.Port}")) { Expires = expires };
        if (!_known.TryGetValue(place.Id, out var places)) _known.Add(place.Id, places = []);
        if (places.Count == MaxPlacesPerPeer)
        {
            var oldest = places.MinBy(one => one.Expires)!;
            places.Remove(oldest);
            _places.Remove(oldest.Key);
        }

        var isNews = places.TrueForAll(one => !one.Address.Equals(place.Address));
        places.Insert(0, place);
        _places.Add(key, place);
        _nextExpiry = Sooner(_nextExpiry, expires);
        Report(place, isNews, effects);
        return null;
    }

    private void Report(Place place, bool isNews, ICollection<DiscoveryEffect> effects)
    {
        IReadOnlyList<Multiaddr> all = [.. _known[place.Id].Select(one => one.Address).Distinct()];
        effects.Add(isNews ? new DiscoveryEffect.Found(place.Peer, all) : new DiscoveryEffect.Heard(place.Peer, all));
    }

    private void Remove(Place place, ICollection<DiscoveryEffect> effects)
    {
        _places.Remove(place.Key);
        var left = _known[place.Id];
        left.Remove(place);
        if (left.Count > 0) return;
        _known.Remove(place.Id);
        effects.Add(new DiscoveryEffect.Lost(place.Peer, [place.Address]));
    }

    private void Expire(Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (now < _nextExpiry) return;
        _nextExpiry = Instant.Never;
        foreach (var place in _places.Values)
        {
            // Removing while walking is allowed for a dictionary.
            if (place.Expires <= now) Remove(place, effects);
            else _nextExpiry = Sooner(_nextExpiry, place.Expires);
        }
    }

    private void Forget()
    {
        _nextExpiry = Instant.Never;
        _places.Clear();
        _known.Clear();
    }

    /// <summary>One location on one interface, and who is said to live there.</summary>
    private sealed class Place((int Face, IPEndPoint Location) key, PeerId? peer, Multiaddr address)
    {
        public (int Face, IPEndPoint Location) Key { get; } = key;

        public PeerId? Peer { get; } = peer;

        public Multiaddr Address { get; } = address;

        /// <summary>What the node is known by.</summary>
        public object Id { get; } = peer is null ? address : peer;

        public Instant Expires { get; set; }
    }
}
