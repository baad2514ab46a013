namespace Starling.Protocols.Links;

/// <summary>Decides which links live: exactly one to each peer, within limits, also when both ends dial at once.</summary>
/// <remarks>
/// <para>Of the two ends, the one with the smaller peer id decides. It adopts one link to the other at a time and holds
/// the rest; a link that is held answers nothing, so it can never become ready at the far end. When the adopted link is
/// identified, the held ones are closed as duplicates; when it fails, the oldest held one is adopted in its place. The
/// end with the larger id adopts every link and follows: the link that was identified last is the one the other end
/// chose. So both ends keep the same link without a message about it, and no link is announced only to be replaced.</para>
/// <para>A new link to a peer that has a ready one is either a race or a peer that lost the old link without our
/// noticing. The deciding end probes the old link, and the answer settles it.</para>
/// <para>Not safe for several threads; the shell calls it from one loop. Effects are carried out in order.</para>
/// </remarks>
public sealed partial class LinksCore
{
    private readonly PeerId _local;
    private readonly LinksOptions _options;
    private readonly Dictionary<LinkId, Link> _links = [];
    private readonly Dictionary<PeerId, Peer> _peers = [];
    private readonly List<Link> _pending = [];
    private bool _stopping;

    /// <summary>Creates the core.</summary>
    /// <param name="local">This node's id.</param>
    /// <param name="options">The bounds; the defaults when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A bound is out of range.</exception>
    public LinksCore(PeerId local, LinksOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(local);
        _local = local;
        _options = options ?? new LinksOptions();
        _options.Validate();
    }

    private enum State
    {
        /// <summary>Waits for the adopted link to succeed or fail.</summary>
        Held,

        /// <summary>Serves streams and waits to be identified.</summary>
        Adopted,

        /// <summary>The one link to its peer.</summary>
        Ready,

        /// <summary>Its close was asked for.</summary>
        Closing,
    }

    /// <summary>Links from authenticated to freed.</summary>
    public int LinkCount => _links.Count;

    /// <summary>Links refused by a limit since the start.</summary>
    public long RefusedLinks { get; private set; }

    /// <summary>When <see cref="Tick"/> is to be called next, or <see cref="Instant.Never"/>.</summary>
    public Instant NextDeadline => _pending.Count == 0 ? Instant.Never : _pending.Min(link => link.Deadline);

    /// <summary>The ready link to a peer, or null.</summary>
    public LinkId? Find(PeerId peer) => _peers.GetValueOrDefault(peer)?.Ready?.Id;

    /// <summary>A link was authenticated and multiplexed.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="peer">Who it leads to, proved by the handshake.</param>
    /// <param name="dial">The request that dialled it, or null when the peer dialled.</param>
    /// <param name="now">The present.</param>
    /// <param name="effects">Receives what to do.</param>
    public void LinkUp(LinkId id, PeerId peer, DialId? dial, Instant now, ICollection<LinkEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(effects);
        var entry = _peers.GetValueOrDefault(peer);
        var refusal = Refusal(peer, entry, dial);
        entry ??= _peers[peer] = new Peer(peer, decides: _local.CompareTo(peer) < 0);
        var link = new Link(id, entry, dial is not null, now + _options.IdentifyTimeout);
        _links.Add(id, link);
        entry.Links.Add(link);
        _pending.Add(link);
        if (dial is { } request) Bind(request, link);

        if (refusal is not null)
        {
            Close(link, refusal, now, effects);
        }
        else if (entry.Decides && entry.Links.Any(other => other.State is State.Adopted or State.Ready))
        {
            if (entry.Ready is { Probing: false } ready)
            {
                ready.Probing = true;
                effects.Add(new LinkEffect.Probe(ready.Id));
            }
        }
        else
        {
            Adopt(link, now, effects);
        }
    }

    /// <summary>The peer identified itself on an adopted link.</summary>
    public void LinkIdentified(LinkId id, Instant now, ICollection<LinkEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_links.TryGetValue(id, out var link) || link.State != State.Adopted) return;
        var peer = link.Peer;
        if (peer.Ready is { } superseded)
        {
            Close(superseded, new CloseInfo(CloseReason.DuplicateLink, "The peer moved to a newer link."), now, effects);
        }

        link.State = State.Ready;
        _pending.Remove(link);
        peer.Ready = link;
        effects.Add(new LinkEffect.Connected(id));
        CompleteDials(peer, effects);
        CloseSurplus(peer, now, effects);
    }

    /// <summary>The peer did not identify itself, or did so wrongly.</summary>
    public void IdentifyFailed(LinkId id, string detail, Instant now, ICollection<LinkEffect> effects)
    {
        if (_links.TryGetValue(id, out var link)) Close(link, new CloseInfo(CloseReason.IdentifyFailed, detail), now, effects);
    }

    /// <summary>A probe of a link ended.</summary>
    /// <param name="id">The link.</param>
    /// <param name="alive">Whether the peer answered on it.</param>
    /// <param name="now">The present.</param>
    /// <param name="effects">Receives what to do.</param>
    public void ProbeEnded(LinkId id, bool alive, Instant now, ICollection<LinkEffect> effects)
    {
        if (!_links.TryGetValue(id, out var link) || link.State != State.Ready) return;
        link.Probing = false;
        if (alive)
        {
            CloseSurplus(link.Peer, now, effects);
        }
        else
        {
            Close(link, new CloseInfo(CloseReason.KeepAliveTimeout, "The peer opened a new link and did not answer on this one."), now, effects);
        }
    }

    /// <summary>A link is gone.</summary>
    /// <param name="id">The link.</param>
    /// <param name="why">The first reason.</param>
    /// <param name="now">The present.</param>
    /// <param name="effects">Receives what to do.</param>
    public void LinkDown(LinkId id, CloseInfo why, Instant now, ICollection<LinkEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(why);
        ArgumentNullException.ThrowIfNull(effects);
        if (!_links.Remove(id, out var link)) return;
        link.Peer.Links.Remove(link);
        Retire(link, why, now, effects);
        if (link.Peer.Links.Count == 0 && link.Peer.Dials == 0) _peers.Remove(link.Peer.Id);
    }

    /// <summary>Closes every link to a peer.</summary>
    public void Disconnect(PeerId peer, CloseInfo why, Instant now, ICollection<LinkEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(peer);
        if (!_peers.TryGetValue(peer, out var entry)) return;
        foreach (var link in entry.Links.OrderBy(link => link.State != State.Held).ToList()) Close(link, why, now, effects);
    }

    /// <summary>Refuses everything new, fails what waits and closes every link with <see cref="CloseReason.NodeStopping"/>.</summary>
    public void Stop(Instant now, ICollection<LinkEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        _stopping = true;
        foreach (var dial in _dials.Values.ToList()) Fail(dial, HandshakeFailure.RefusedLocally, "This node is stopping.", effects);
        foreach (var peer in _peers.Keys.ToList()) Disconnect(peer, new CloseInfo(CloseReason.NodeStopping), now, effects);
    }

    /// <summary>Closes the links whose time to be identified is over.</summary>
    public void Tick(Instant now, ICollection<LinkEffect> effects)
    {
        foreach (var link in _pending.Where(link => link.Deadline <= now).ToList())
        {
            // A held link that was adopted by the close of the one before it has got a new deadline.
            if (link.Deadline > now) continue;
            Close(link, new CloseInfo(CloseReason.IdentifyFailed, $"The peer did not identify itself within {_options.IdentifyTimeout.TotalSeconds:0.###} s."), now, effects);
        }
    }

    private CloseInfo? Refusal(PeerId peer, Peer? entry, DialId? dial)
    {
        if (_stopping) return new CloseInfo(CloseReason.NodeStopping);
        if (peer.Equals(_local)) return new CloseInfo(CloseReason.Refused, "The link leads back to this very node.");
        if (dial is { } request && !_dials.ContainsKey(request))
        {
            return entry?.Ready is null
                ? new CloseInfo(CloseReason.LocalClose, "The request to connect was cancelled.")
                : new CloseInfo(CloseReason.DuplicateLink, "Another link to the peer was ready first.");
        }

        var refusal = this switch
        {
            _ when _links.Count >= _options.MaxLinks => new CloseInfo(CloseReason.BudgetExceeded, $"There are {_options.MaxLinks} links, the most that is allowed (MaxLinks)."),
            _ when _pending.Count >= _options.MaxPendingLinks => new CloseInfo(CloseReason.BudgetExceeded, $"There are {_options.MaxPendingLinks} links that wait to be identified, the most that is allowed (MaxPendingLinks)."),
            _ when entry is not null && entry.Links.Count(link => link.State is State.Held or State.Adopted) >= _options.MaxPendingPerPeer => new CloseInfo(CloseReason.Refused, $"The peer has {_options.MaxPendingPerPeer} links that wait to be identified, the most that is allowed (MaxPendingPerPeer)."),
            _ => null,
        };
        if (refusal is not null) RefusedLinks++;
        return refusal;
    }

    private void Adopt(Link link, Instant now, ICollection<LinkEffect> effects)
    {
        link.State = State.Adopted;
        link.Deadline = now + _options.IdentifyTimeout;
        effects.Add(new LinkEffect.Adopt(link.Id));
    }

    /// <summary>Closes what is held, and what this end dialled for requests that are fulfilled now. What the deciding end dialled is its to close.</summary>
    private void CloseSurplus(Peer peer, Instant now, ICollection<LinkEffect> effects)
    {
        foreach (var surplus in peer.Links.Where(other => other.State == State.Held || (other.State == State.Adopted && other.IsOwn)).ToList())
        {
            Close(surplus, new CloseInfo(CloseReason.DuplicateLink, "Another link to the peer is kept."), now, effects);
        }
    }

    private void Close(Link link, CloseInfo why, Instant now, ICollection<LinkEffect> effects)
    {
        if (link.State != State.Closing) Retire(link, why, now, effects, new LinkEffect.Close(link.Id, why));
    }

    /// <summary>Takes a link out of its role, once: announces its end before it is closed, lets a held link follow and settles requests.</summary>
    private void Retire(Link link, CloseInfo why, Instant now, ICollection<LinkEffect> effects, LinkEffect.Close? close = null)
    {
        if (link.State == State.Closing) return;
        var peer = link.Peer;
        link.State = State.Closing;
        _pending.Remove(link);
        if (peer.Ready == link)
        {
            peer.Ready = null;
            effects.Add(new LinkEffect.Disconnected(link.Id, why));
        }

        if (close is not null) effects.Add(close);

        if (!_stopping && !peer.Links.Any(other => other.State is State.Adopted or State.Ready) && peer.Links.Find(other => other.State == State.Held) is { } next)
        {
            Adopt(next, now, effects);
        }

        RecordFailure(link, why);
        SettleDials(peer, effects);
    }

    private sealed class Link(LinkId id, Peer peer, bool isOwn, Instant deadline)
    {
        public LinkId Id { get; } = id;

        /// <summary>Whether this end dialled it.</summary>
        public bool IsOwn { get; } = isOwn;

        public Peer Peer { get; } = peer;

        public Instant Deadline { get; set; } = deadline;

        public State State { get; set; } = State.Held;

        public bool Probing { get; set; }
    }

    private sealed class Peer(PeerId id, bool decides)
    {
        public PeerId Id { get; } = id;

        public bool Decides { get; } = decides;

        public List<Link> Links { get; } = [];

        public Link? Ready { get; set; }

        public int Dials { get; set; }
    }
}
