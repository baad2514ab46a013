using System.Text;

namespace Starling.Protocols.Discovery;

public sealed partial class MdnsCore
{
    private const int MaxPeersInPacket = 8;
    private const int MaxSightingsPerPeer = 4;
    private static readonly TimeSpan LongestTtl = TimeSpan.FromMinutes(75);

    private readonly Dictionary<(int Face, DnsName Instance), Sighting> _sightings = [];
    private readonly Dictionary<PeerId, List<Sighting>> _peers = [];

    // Not later than the first expiry; refreshed announcements make it early, which a tick puts right.
    private Instant _nextExpiry = Instant.Never;

    /// <summary>Peers that are known now.</summary>
    public int PeerCount => _peers.Count;

    private void OnResponse(int face, DnsMessage response, Instant now, ICollection<DiscoveryEffect> effects)
    {
        var peers = 0;
        foreach (var record in response.Answers)
        {
            if (record is not DnsRecord.Ptr pointer || !pointer.Name.Equals(_service) || !pointer.Target.IsChildOf(_service)) continue;
            if (pointer.Target.Equals(_instance)) continue;
            if (++peers > MaxPeersInPacket)
            {
                effects.Add(new DiscoveryEffect.Refused(DiscoveryRefusal.TooManyPeersInPacket));
                return;
            }

            if (pointer.Ttl == 0) Remove((face, pointer.Target), effects);
            else OnAnnouncement(face, pointer, response, now, effects);
        }
    }

    private void OnAnnouncement(int face, DnsRecord.Ptr pointer, DnsMessage response, Instant now, ICollection<DiscoveryEffect> effects)
    {
        var addresses = new List<Multiaddr>();
        var read = 0;
        PeerId? peer = null;

        // js-libp2p puts the texts among the answers, the specification among the additional records.
        foreach (var record in response.Answers.Concat(response.Additionals))
        {
            if (record is not DnsRecord.Txt text || !text.Name.Equals(pointer.Target)) continue;
            foreach (var value in text.Strings)
            {
                if (!value.Span.StartsWith("dnsaddr="u8)) continue;
                if (read++ == _options.MaxAddressesPerPeer) effects.Add(new DiscoveryEffect.Refused(DiscoveryRefusal.TooManyAddresses));
                if (read > _options.MaxAddressesPerPeer) break;
                if (Read(value.Span[AddressKey.Length..]) is not { } address)
                {
                    effects.Add(new DiscoveryEffect.Refused(DiscoveryRefusal.UnreadableAddress));
                    continue;
                }

                var named = address.Components[^1].Protocol == "p2p" ? address.PeerId : null;
                if (named is null || !named.Equals(peer ?? named))
                {
                    effects.Add(new DiscoveryEffect.Refused(named is null ? DiscoveryRefusal.NoPeerId : DiscoveryRefusal.MixedPeerIds));
                    return;
                }

                peer = named;
                if (!FitsFace(address, _faces[face])) effects.Add(new DiscoveryEffect.Refused(DiscoveryRefusal.UnfitAddress));
                else if (address.WithoutPeerId() is var plain && !addresses.Contains(plain)) addresses.Add(plain);
            }
        }

        if (peer is null || addresses.Count == 0) return;
        if (peer.Equals(_self)) effects.Add(new DiscoveryEffect.Refused(DiscoveryRefusal.OwnPeerId));
        else Keep((face, pointer.Target), peer, addresses, now + Bounded(pointer.Ttl), effects);
    }

    private static Multiaddr? Read(ReadOnlySpan<byte> text) =>
        Multiaddr.TryParse(Encoding.UTF8.GetString(text), out var address, out _) && address!.Components.Count > 0 ? address : null;

    private static bool FitsFace(Multiaddr address, Face face) =>
        FaceAddresses.TryHost(address, out var host) && FaceAddresses.IsFit(host!, face.Address);

    // Nobody is lost before two of our queries could have gone unanswered, nobody is kept for days.
    private TimeSpan Bounded(uint ttl)
    {
        var asked = TimeSpan.FromSeconds(ttl);
        var least = 2 * _options.QueryInterval;
        return asked < least ? least : asked > LongestTtl ? LongestTtl : asked;
    }

    private void Keep((int Face, DnsName Instance) key, PeerId peer, List<Multiaddr> addresses, Instant expires, ICollection<DiscoveryEffect> effects)
    {
        if (_sightings.TryGetValue(key, out var known))
        {
            if (known.Peer.Equals(peer))
            {
                known.Expires = expires;
                var same = known.Addresses.Count == addresses.Count && !known.Addresses.Except(addresses).Any();
                known.Addresses = addresses;
                Report(peer, isNews: !same, effects);
                return;
            }

            Remove(key, effects);
        }

        var sightings = _peers.GetValueOrDefault(peer);
        var before = sightings?.SelectMany(one => one.Addresses).ToHashSet() ?? [];

        // A node that restarts again and again without a good-bye comes under a new name each time: its oldest one gives way.
        if (sightings?.Count == MaxSightingsPerPeer) _sightings.Remove(Oldest(sightings));
        if (_sightings.Count >= _options.MaxPeers)
        {
            effects.Add(new DiscoveryEffect.Refused(DiscoveryRefusal.TableFull));
            return;
        }

        if (sightings is null) _peers.Add(peer, sightings = []);
        var seen = new Sighting(peer, key) { Addresses = addresses, Expires = expires };
        sightings.Add(seen);
        _sightings.Add(key, seen);
        _nextExpiry = Sooner(_nextExpiry, expires);
        Report(peer, isNews: !before.IsSupersetOf(addresses), effects);
    }

    private void Report(PeerId peer, bool isNews, ICollection<DiscoveryEffect> effects)
    {
        IReadOnlyList<Multiaddr> all = [.. _peers[peer].SelectMany(one => one.Addresses).Distinct()];
        effects.Add(isNews ? new DiscoveryEffect.Found(peer, all) : new DiscoveryEffect.Heard(peer, all));
    }

    private void Remove((int Face, DnsName Instance) key, ICollection<DiscoveryEffect> effects)
    {
        if (!_sightings.Remove(key, out var gone)) return;
        var left = _peers[gone.Peer];
        left.Remove(gone);
        if (left.Count > 0) return;
        _peers.Remove(gone.Peer);
        effects.Add(new DiscoveryEffect.Lost(gone.Peer, gone.Addresses));
    }

    private static (int Face, DnsName Instance) Oldest(List<Sighting> sightings)
    {
        var oldest = sightings.MinBy(one => one.Expires)!;
        sightings.Remove(oldest);
        return oldest.Key;
    }

    private void Expire(Instant now, ICollection<DiscoveryEffect> effects)
    {
        if (now < _nextExpiry) return;
        _nextExpiry = Instant.Never;
        foreach (var (key, seen) in _sightings)
        {
            // Removing while walking is allowed for a dictionary.
            if (seen.Expires <= now) Remove(key, effects);
            else _nextExpiry = Sooner(_nextExpiry, seen.Expires);
        }
    }

    private void Forget()
    {
        _nextExpiry = Instant.Never;
        _sightings.Clear();
        _peers.Clear();
    }

    /// <summary>One announcement, by one DNS name on one interface.</summary>
    private sealed class Sighting(PeerId peer, (int Face, DnsName Instance) key)
    {
        public (int Face, DnsName Instance) Key { get; } = key;

        public PeerId Peer { get; } = peer;

        public IReadOnlyList<Multiaddr> Addresses { get; set; } = [];

        public Instant Expires { get; set; }
    }
}
