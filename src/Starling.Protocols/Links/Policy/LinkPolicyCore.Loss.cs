namespace Starling.Protocols.Links.Policy;

/// <content>What follows from the end of a link.</content>
public sealed partial class LinkPolicyCore
{
    private readonly Dictionary<PeerId, Recent> _recent = [];

    private enum Parting
    {
        /// <summary>Nobody wanted it; the link is made again.</summary>
        Lost,

        /// <summary>The peer left, perhaps to come back.</summary>
        Left,

        /// <summary>There was no use for the link.</summary>
        Unneeded,

        /// <summary>There were too many links, on one side or the other.</summary>
        Parted,

        /// <summary>One side refuses the other.</summary>
        Refused,

        /// <summary>This node's user closed it.</summary>
        ByUser,

        /// <summary>This node is stopping.</summary>
        Stopping,
    }

    /// <summary>Peers that are left alone for a while, whatever discoveries find.</summary>
    public IReadOnlyList<RecentPeer> RecentAt(Instant now) => [.. _recent.Values.Select(one => one.Peer).Where(one => one.Until > now)];

    /// <summary>The link to a peer is gone.</summary>
    /// <param name="peer">Whose link.</param>
    /// <param name="why">The first reason that was given.</param>
    /// <param name="now">The present instant.</param>
    /// <param name="effects">Where effects are added.</param>
    public void OnLinkDown(PeerId peer, CloseInfo why, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(why);
        ArgumentNullException.ThrowIfNull(effects);
        if (!_entries.TryGetValue(peer, out var entry) || entry.Link is not { } link) return;
        Count(link, -1);
        entry.Link = null;
        entry.Failures = now - link.Since >= _options.StableAfter ? 0 : entry.Failures + 1;
        entry.Attempts = 0;
        var asked = entry.Want is not null || entry.IsPersistent;
        switch (PartingOf(why, asked))
        {
            case Parting.Lost or Parting.Left when entry.Want is { Options.Reconnect: false }:
                entry.Want = null;
                LeaveAlone(entry, why, asked: false, _options.RecentFor, now, effects);
                break;
            case Parting.Lost:
                Lose(entry, link, Pause(entry.Failures), now, effects);
                break;
            case Parting.Left:
                Lose(entry, link, Pause(entry.Failures + 1), now, effects);
                break;
            case Parting.Parted:
                LeaveAlone(entry, why, asked, _options.PartedPause, now, effects);
                break;
            case Parting.Refused:
                entry.IsRefused = why.Reason is CloseReason.Blocked or CloseReason.Refused;
                LeaveAlone(entry, why, asked, _options.RefusedPause, now, effects);
                break;
            case Parting.ByUser:
                entry.Want = null;
                Remember(entry, ReasonOf(why), gaveUp: false, now, Instant.Never);
                break;
            case Parting.Unneeded or Parting.Stopping:
                entry.Next = now + Pause(entry.Failures + 1);
                break;
        }

        Forget(entry);
        Advance(now, effects);
    }

    private static Parting PartingOf(CloseInfo why, bool asked) => why.Reason switch
    {
        CloseReason.LocalClose => Parting.ByUser,
        CloseReason.NodeStopping => Parting.Stopping,
        CloseReason.RemoteClose => why.RemoteReason switch
        {
            // A good-bye without a reason is meant, too; but who was asked for is tried again soon.
            null => asked ? Parting.Left : Parting.Parted,
            CloseReason.NodeStopping => Parting.Left,
            CloseReason.LocalClose => Parting.Refused,
            { } reason => PartingOf(reason),
        },
        var reason => PartingOf(reason),
    };

    private static Parting PartingOf(CloseReason reason) => reason switch
    {
        CloseReason.Unused => Parting.Unneeded,
        CloseReason.Pruned or CloseReason.BudgetExceeded => Parting.Parted,
        CloseReason.Refused or CloseReason.Blocked => Parting.Refused,
        _ => Parting.Lost,
    };

    /// <summary>Plans to make a lost link again, if it is one that is.</summary>
    private void Lose(Entry entry, Link link, TimeSpan pause, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        // Both ends have lost it; the one with the greater id dials second.
        if (IsSecond(entry)) pause += _random.Jitter(_options.TieDelay, 0.75, 1.25);
        entry.Next = now + pause;
        if (entry.Claim < Claim.Persistent && !IsMadeAgain(entry, link, now, effects)) return;
        entry.IsLost = true;
        effects.Add(new LinkPolicyEffect.Reconnecting(entry.Peer!, 1, pause));
    }

    /// <summary>Whether a link that nobody asked for is made again. Strangers that come and go make this node dial nobody.</summary>
    private bool IsMadeAgain(Entry entry, Link link, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        if (!_options.Reconnect || link.Kind == LinkKind.Transient || !entry.HasAddress) return false;
        if (link.Direction == Direction.Inbound && now - link.Since < _options.StableAfter) return false;
        if (_entries.Values.Count(one => one.IsLost) < _options.MaxReconnecting) return true;
        effects.Add(new LinkPolicyEffect.Refused(LinkPolicyRefusal.TooManyReconnecting));
        return false;
    }

    private void LeaveAlone(Entry entry, CloseInfo why, bool asked, TimeSpan span, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        var pause = _random.Jitter(span);
        entry.Next = now + pause;
        if (asked)
        {
            entry.IsLost = true;
            effects.Add(new LinkPolicyEffect.Reconnecting(entry.Peer!, 1, pause));
        }
        else
        {
            Remember(entry, ReasonOf(why), gaveUp: false, now, now + pause);
        }
    }

    private void GiveUp(Entry entry, Instant now, ICollection<LinkPolicyEffect> effects)
    {
        effects.Add(new LinkPolicyEffect.GaveUp(entry.Peer, [.. entry.Addresses], entry.Attempts));
        (entry.Want, entry.IsLost) = (null, false);
        Remember(entry, CloseReason.TransportError, gaveUp: true, now, now + _options.RecentFor);
    }

    private void Remember(Entry entry, CloseReason reason, bool gaveUp, Instant now, Instant until)
    {
        if (entry.Peer is not { } peer) return;
        if (_recent.Count >= _options.MaxRecent && !_recent.ContainsKey(peer)) _recent.Remove(_recent.MinBy(one => one.Value.Peer.At).Key);
        _recent[peer] = new Recent(new RecentPeer(peer, reason, gaveUp, now, until), [.. entry.Addresses]);
    }

    /// <summary>Who turns up at another address than before is no longer held to what its user's node decided.</summary>
    private void ForgiveIfMoved(PeerId peer, IReadOnlyList<Multiaddr> addresses)
    {
        if (_recent.TryGetValue(peer, out var recent) && recent.Peer.Until == Instant.Never && addresses.Except(recent.Addresses).Any()) _recent.Remove(peer);
    }

    private static CloseReason ReasonOf(CloseInfo why) => why.RemoteReason ?? why.Reason;

    private sealed record Recent(RecentPeer Peer, IReadOnlyList<Multiaddr> Addresses);
}
