using Starling.Net.Transport;

namespace Starling.Net.Links;

/// <content>Links by name and by address.</content>
public sealed partial class Swarm
{
    /// <summary>The ready links to peers that call themselves so. Several may, because nobody verifies names; compare the peer ids.</summary>
    public IReadOnlyList<PeerLink> FindByName(string displayName)
    {
        ArgumentException.ThrowIfNullOrEmpty(displayName);
        return [.. _ready.Values.Where(link => string.Equals(link.Info.DisplayName, displayName, StringComparison.Ordinal))];
    }

    /// <summary>The ready link to an address, or null. Names are compared as they are written.</summary>
    /// <remarks>Best is the address at the other end of the link, then one by which the link was asked for, then one at which the peer says that
    /// it listens, which is a claim. With a peer id in the address, only that peer's link is meant.</remarks>
    public PeerLink? FindByAddress(Multiaddr address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var bare = address.WithoutPeerId();
        var links = address.PeerId is { } peer ? FindLink(peer) is { } named ? [named] : [] : _ready.Values.ToList();
        if (bare.Components.Count == 0) return links.FirstOrDefault();
        return links.Find(link => bare.Equals(link.Connection.RemoteAddress.WithoutPeerId()))
            ?? links.Find(link => link.AskedAt.Contains(bare))
            ?? links.Find(link => link.Info.ListenAddresses.Any(claimed => bare.Equals(claimed.WithoutPeerId())));
    }

    /// <summary>The ready link to an address, or null; a name in it is resolved when it does not lead to a link as it is written.</summary>
    /// <returns>Null also when the name cannot be resolved.</returns>
    public async Task<PeerLink?> FindByAddressAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        if (FindByAddress(address) is { } found) return found;
        try
        {
            var resolved = await TcpNames.ResolveAsync(address, _options.Lookup, cancellationToken);
            return resolved.Select(FindByAddress).FirstOrDefault(link => link is not null);
        }
        catch (HandshakeException error)
        {
            LinksLog.NameNotResolved(_logger, address, error.Message);
            return null;
        }
    }
}
