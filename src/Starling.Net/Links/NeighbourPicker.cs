namespace Starling.Net.Links;

/// <summary>Chooses neighbours at random: to send to some of them, to ask some of them.</summary>
public static class NeighbourPicker
{
    /// <summary>Some direct neighbours in random order, each at most once, each subset equally likely.</summary>
    /// <param name="host">Whose links.</param>
    /// <param name="random">The randomness seam.</param>
    /// <param name="count">How many; 0, or more than there are, takes all.</param>
    /// <param name="suits">Which ones come into question, such as those that speak a protocol; null takes every direct link. Called once for each.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    public static IReadOnlyList<IPeerLink> Pick(ILinkHost host, RandomSource random, int count, Func<IPeerLink, bool>? suits = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        IPeerLink[] links = [.. host.Links.Where(link => link.Kind == LinkKind.Direct && (suits is null || suits(link)))];
        random.Shuffle(links.AsSpan());
        return count == 0 || count >= links.Length ? links : links[..count];
    }
}
