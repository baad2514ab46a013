namespace Starling.Protocols.Links;

/// <content>Requests to connect: which of them dial, and how each one ends.</content>
public sealed partial class LinksCore
{
    private readonly Dictionary<DialId, Dial> _dials = [];

    private enum Stage
    {
        /// <summary>Waits for another request to the same peer.</summary>
        Waiting,

        /// <summary>The shell dials.</summary>
        Dialling,

        /// <summary>Its own attempt ended; the outcome of the peer's links decides.</summary>
        Settling,
    }

    /// <summary>Requests to connect that have not ended.</summary>
    public int DialCount => _dials.Count;

    /// <summary>Somebody wants to connect. Ends in exactly one <see cref="LinkEffect.CompleteDial"/> or <see cref="LinkEffect.FailDial"/>, unless cancelled.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="expected">Who must answer, or null when only the addresses are known.</param>
    /// <param name="effects">Receives what to do.</param>
    public void DialStarted(DialId id, PeerId? expected, ICollection<LinkEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (expected is not null && Find(expected) is { } ready)
        {
            effects.Add(new LinkEffect.CompleteDial(id, ready));
            return;
        }

        var refusal = this switch
        {
            _ when _stopping => (HandshakeFailure.RefusedLocally, "This node is stopping."),
            _ when _local.Equals(expected) => (HandshakeFailure.SelfDial, $"{expected} is this very node."),
            _ when _dials.Count >= _options.MaxDials => (HandshakeFailure.RefusedLocally, $"There are {_options.MaxDials} requests to connect under way, the most that is allowed (MaxDials)."),
            _ => default((HandshakeFailure Failure, string Message)?),
        };
        if (refusal is { } why)
        {
            effects.Add(new LinkEffect.FailDial(id, why.Failure, why.Message));
            return;
        }

        var dial = new Dial(id);
        _dials.Add(id, dial);
        if (expected is not null) Expect(dial, expected);
        if (dial.Peer is null || Dialling(dial.Peer) < _options.MaxDialsPerPeer) Begin(dial, effects);
    }

    /// <summary>No address of the request led to an authenticated link.</summary>
    public void DialFailed(DialId id, HandshakeFailure failure, string message, ICollection<LinkEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_dials.TryGetValue(id, out var dial)) return;
        dial.Stage = Stage.Settling;
        dial.Failure = (failure, message);
        if (dial.Peer is { } peer) SettleDials(peer, effects);
        else Fail(dial, failure, message, effects);
    }

    /// <summary>Whoever wanted to connect does not wait any more. Its link, should it still come up, is closed.</summary>
    public void DialCancelled(DialId id, ICollection<LinkEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (!_dials.TryGetValue(id, out var dial)) return;
        Forget(dial);
        if (dial.Peer is { } peer) SettleDials(peer, effects);
    }

    private void Expect(Dial dial, PeerId peer)
    {
        if (!_peers.TryGetValue(peer, out var entry)) _peers[peer] = entry = new Peer(peer, decides: _local.CompareTo(peer) < 0);
        dial.Peer = entry;
        entry.Dials++;
    }

    private int Dialling(Peer peer) => _dials.Values.Count(dial => dial.Peer == peer && dial.Stage == Stage.Dialling);

    private static void Begin(Dial dial, ICollection<LinkEffect> effects)
    {
        dial.Stage = Stage.Dialling;
        effects.Add(new LinkEffect.BeginDial(dial.Id));
    }

    private void Bind(DialId id, Link link)
    {
        if (!_dials.TryGetValue(id, out var dial)) return;
        dial.Stage = Stage.Settling;
        dial.Link = link;
        if (dial.Peer is null) Expect(dial, link.Peer.Id);
    }

    private void RecordFailure(Link link, CloseInfo why)
    {
        foreach (var dial in _dials.Values.Where(dial => dial.Link == link)) dial.Failure = Explain(link.Peer.Id, why);
    }

    private void CompleteDials(Peer peer, ICollection<LinkEffect> effects)
    {
        foreach (var dial in DialsOf(peer))
        {
            Forget(dial);
            effects.Add(new LinkEffect.CompleteDial(dial.Id, peer.Ready!.Id));
        }
    }

    /// <summary>Ends the requests whose own attempt is over: with the link that is ready, or without one when none can still succeed. Then lets waiting ones dial.</summary>
    private void SettleDials(Peer peer, ICollection<LinkEffect> effects)
    {
        if (peer.Dials == 0) return;
        if (peer.Ready is { } ready)
        {
            foreach (var dial in DialsOf(peer).Where(dial => dial.Stage == Stage.Settling && dial.Link is null or { State: State.Closing }))
            {
                Forget(dial);
                effects.Add(new LinkEffect.CompleteDial(dial.Id, ready.Id));
            }
        }
        else if (!peer.Links.Any(link => link.State != State.Closing))
        {
            foreach (var dial in DialsOf(peer).Where(dial => dial.Stage == Stage.Settling))
            {
                Fail(dial, dial.Failure.Kind, dial.Failure.Message, effects);
            }
        }

        var free = _options.MaxDialsPerPeer - Dialling(peer);
        foreach (var dial in DialsOf(peer).Where(dial => dial.Stage == Stage.Waiting).Take(free)) Begin(dial, effects);
    }

    private void Fail(Dial dial, HandshakeFailure failure, string message, ICollection<LinkEffect> effects)
    {
        Forget(dial);
        effects.Add(new LinkEffect.FailDial(dial.Id, failure, message));
    }

    private void Forget(Dial dial)
    {
        _dials.Remove(dial.Id);
        if (dial.Peer is not { } peer) return;
        peer.Dials--;
        if (peer is { Dials: 0, Links.Count: 0 }) _peers.Remove(peer.Id);
    }

    private List<Dial> DialsOf(Peer peer) => peer.Dials == 0 ? [] : [.. _dials.Values.Where(dial => dial.Peer == peer)];

    private (HandshakeFailure Kind, string Message) Explain(PeerId peer, CloseInfo why) => why.Reason switch
    {
        _ when peer.Equals(_local) => (HandshakeFailure.SelfDial, "The address leads back to this very node."),
        CloseReason.IdentifyFailed => (HandshakeFailure.IdentifyFailed, $"{peer} accepted the link, but identify failed. {why.Detail}"),
        CloseReason.LocalClose or CloseReason.Refused or CloseReason.Blocked or CloseReason.Pruned or CloseReason.BudgetExceeded or CloseReason.NodeStopping =>
            (HandshakeFailure.RefusedLocally, $"This node closed the link to {peer} before it was ready ({why})."),
        _ when why.RemoteReason is not null => (HandshakeFailure.RefusedByRemote, $"{peer} refuses the link ({why})."),
        _ => (HandshakeFailure.RefusedByRemote, $"{peer} closed the link before it was ready ({why}); it refuses this node, is at its limit or is stopping."),
    };

    private sealed class Dial(DialId id)
    {
        public DialId Id { get; } = id;

        public Peer? Peer { get; set; }

        public Stage Stage { get; set; }

        public Link? Link { get; set; }

        public (HandshakeFailure Kind, string Message) Failure { get; set; }
    }
}
