using Starling.Net.Links;
using Starling.Protocols.Links;

namespace Starling;

/// <content>The blocklist.</content>
public sealed partial class StarlingNode
{
    /// <summary>Whom the node keeps away: by peer id, address or range, for a time or for ever. Kept over restarts in <see cref="RestrictionsOptions.File"/>.</summary>
    public Restrictions Restrictions => _parts.Restrictions;

    /// <summary>Blocks a peer id, an IP address or a range such as <c>10.0.0.0/8</c> at once, and closes the links that it concerns.</summary>
    /// <param name="subject">Who.</param>
    /// <param name="duration">For how long; null for ever.</param>
    /// <param name="note">Why, for people on this side; at most 256 characters.</param>
    /// <param name="cancellationToken">Ends the wait, not the block.</param>
    /// <returns>Completes when those links are closed and the entry is saved, where it is.</returns>
    /// <exception cref="FormatException">It cannot be blocked; the message says what to write.</exception>
    /// <exception cref="StarlingException">The list is full.</exception>
    public Task<BlockEntry> BlockAsync(string subject, TimeSpan? duration = null, string note = "", CancellationToken cancellationToken = default) =>
        Restrictions.BlockAsync(BlockSubject.Parse(subject), duration, note, cancellationToken);

    /// <summary>Blocks a peer at once, wherever it is, and closes the link to it.</summary>
    /// <inheritdoc cref="BlockAsync(string, TimeSpan?, string, CancellationToken)"/>
    public Task<BlockEntry> BlockAsync(PeerId subject, TimeSpan? duration = null, string note = "", CancellationToken cancellationToken = default) =>
        Restrictions.BlockAsync(BlockSubject.Of(subject), duration, note, cancellationToken);

    /// <summary>Takes a peer id, an address or a range off the blocklist. Ranges that contain it still hold.</summary>
    /// <returns>Whether it was on the list.</returns>
    /// <exception cref="FormatException">It is none of them.</exception>
    public Task<bool> UnblockAsync(string subject, CancellationToken cancellationToken = default) =>
        Restrictions.UnblockAsync(BlockSubject.Parse(subject), cancellationToken);

    /// <summary>The candidates that are neither blocked nor recently disconnected, in their order.</summary>
    /// <param name="candidates">Such as <see cref="PeerBook.Peers"/>.</param>
    public IReadOnlyList<PeerEntry> FilterCandidates(IEnumerable<PeerEntry> candidates)
    {
        var recent = RecentlyDisconnected.Select(one => one.Peer).ToHashSet();
        return [.. Restrictions.FilterCandidates(candidates).Where(entry => !recent.Contains(entry.Peer))];
    }

    /// <summary>Blocks nobody any longer, and forgets who was recently disconnected.</summary>
    /// <returns>How many entries the blocklist had.</returns>
    public async Task<int> ClearRestrictionsAsync(CancellationToken cancellationToken = default)
    {
        var entries = await Restrictions.ClearAsync(cancellationToken);
        _parts.Manager.ForgetRecentlyDisconnected();
        return entries;
    }
}
