namespace Starling.Net.Links;

/// <content>Links that are closed on purpose.</content>
public sealed partial class Swarm
{
    /// <summary>Closes the link to a peer, if there is one, and waits until it is gone. The other side is told why, where it speaks link control.</summary>
    /// <param name="peer">Whose link.</param>
    /// <param name="why">What this side's user is told; the reasons of link control reach the other side as well. Null: closed on request.</param>
    /// <param name="cancellationToken">Ends the wait; the link is closed all the same.</param>
    public Task DisconnectAsync(PeerId peer, CloseInfo? why = null, CancellationToken cancellationToken = default) =>
        DisconnectAsync(peer, why ?? new CloseInfo(CloseReason.LocalClose), silently: false, cancellationToken);

    /// <summary>Closes the link to a peer, if there is one, and waits until it is gone.</summary>
    /// <param name="peer">Whose link.</param>
    /// <param name="mode">What the other side is told.</param>
    /// <param name="reason">A sentence for people on both sides; at most 256 characters reach the other one, and none when the mode is one-sided.</param>
    /// <param name="cancellationToken">Ends the wait; the link is closed all the same.</param>
    /// <remarks>A swarm keeps no blocklist: with <see cref="DisconnectMode.Forced"/>, block the peer by a gate first.</remarks>
    public Task DisconnectAsync(PeerId peer, DisconnectMode mode, string? reason = null, CancellationToken cancellationToken = default)
    {
        var why = mode == DisconnectMode.Forced ? CloseReason.Blocked : CloseReason.LocalClose;
        return DisconnectAsync(peer, new CloseInfo(why, reason ?? ""), mode == DisconnectMode.OneSided, cancellationToken);
    }

    private async Task DisconnectAsync(PeerId peer, CloseInfo why, bool silently, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(peer);
        var link = FindLink(peer);
        await PostAsync(() =>
        {
            if (silently)
            {
                foreach (var each in _links.Values.Where(each => each.Peer.Equals(peer))) each.ClosesSilently = true;
            }

            _core.Disconnect(peer, why, Clock.Now(), _effects);
        });
        if (link is not null) await link.Gone.WaitAsync(cancellationToken);
    }
}
