using Starling.Protocols.Links.Policy;
using Starling.Protocols.Tests.Discovery;

namespace Starling.Protocols.Tests.Links.Policy;

/// <summary>One policy with a clock of its own and everything it asked for.</summary>
internal sealed class PolicyBench
{
    public static readonly PeerId Self = Peers.Id(1000);
    private readonly List<LinkPolicyEffect> _effects = [];
    private Instant _timer = Instant.Never;

    public PolicyBench(Action<LinkPolicyOptions>? configure = null, PeerId? self = null)
    {
        configure?.Invoke(Options);
        Core = new LinkPolicyCore(self ?? Self, Options, RandomSource.Seeded(1));
    }

    public LinkPolicyOptions Options { get; } = new() { TieDelay = TimeSpan.Zero };

    public LinkPolicyCore Core { get; }

    public Instant Now { get; private set; } = new(TimeSpan.FromDays(1).Ticks);

    /// <summary>Dials that were begun and not ended.</summary>
    public List<LinkPolicyEffect.Dial> Open { get; } = [];

    /// <summary>Every dial that was begun, with its instant.</summary>
    public List<(LinkPolicyEffect.Dial Dial, Instant At)> Dials { get; } = [];

    public List<LinkPolicyEffect.Close> Closes { get; } = [];

    public List<LinkPolicyEffect> News { get; } = [];

    /// <summary>When links were last used; those that are not in it were not since they began.</summary>
    public Dictionary<PeerId, Instant> Used { get; } = [];

    public static Multiaddr Address(int peer) => Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{peer + 1}");

    public void Do(Action<Instant, ICollection<LinkPolicyEffect>> step)
    {
        step(Now, _effects);
        for (var i = 0; i < _effects.Count; i++)
        {
            switch (_effects[i])
            {
                case LinkPolicyEffect.Dial dial:
                    Open.Add(dial);
                    Dials.Add((dial, Now));
                    break;
                case LinkPolicyEffect.Close close:
                    Closes.Add(close);
                    break;
                case LinkPolicyEffect.AskUse ask:
                    Core.OnUsed(ask.Peer, Used.GetValueOrDefault(ask.Peer, Core.Find(ask.Peer)!.Since), Now, _effects);
                    break;
                case LinkPolicyEffect.SetTimer timer:
                    _timer = timer.At;
                    break;
                default:
                    News.Add(_effects[i]);
                    break;
            }
        }

        _effects.Clear();
    }

    /// <summary>Lets time pass, with every timer on the way.</summary>
    public void Pass(TimeSpan span)
    {
        var end = Now + span;
        while (_timer <= end)
        {
            Now = _timer > Now ? _timer : Now;
            _timer = Instant.Never;
            Do(Core.Tick);
        }

        Now = end;
    }

    public void Find(int peer, string source = "mdns", bool isMutual = false, bool isPersistent = false, params Multiaddr[] at) =>
        Do((now, effects) => Core.OnFound(source, Peers.Id(peer), at.Length > 0 ? at : [Address(peer)], isMutual, isPersistent, now, effects));

    public void Lose(int peer, string source = "mdns") => Do((now, effects) => Core.OnLost(source, Peers.Id(peer), [Address(peer)], now, effects));

    public void Keep(int peer, LinkKeepOptions? options = null) =>
        Do((now, effects) => Core.Keep(Peers.Id(peer), [Address(peer)], options ?? new LinkKeepOptions(), now, effects));

    /// <summary>A link comes up that nobody here dialled, or that this node did.</summary>
    public void Up(int peer, LinkKind kind = LinkKind.Direct, Direction direction = Direction.Inbound, params Multiaddr[] at) =>
        Do((now, effects) => Core.OnLinkUp(Peers.Id(peer), kind, direction, at.Length > 0 ? at : [Address(peer)], now, effects));

    public void Down(int peer, CloseReason reason = CloseReason.TransportError, CloseReason? remote = null) =>
        Do((now, effects) => Core.OnLinkDown(Peers.Id(peer), new CloseInfo(reason, RemoteReason: remote), now, effects));

    public void Fail(LinkPolicyEffect.Dial dial, DialOutcome outcome = DialOutcome.Failed)
    {
        Assert.True(Open.Remove(dial));
        Do((now, effects) => Core.OnDialed(dial, outcome, null, now, effects));
    }

    /// <summary>A dial leads to a link.</summary>
    public void Answer(LinkPolicyEffect.Dial dial, int peer)
    {
        Assert.True(Open.Remove(dial));
        Up(peer, direction: Direction.Outbound, at: [.. dial.Addresses]);
        Do((now, effects) => Core.OnDialed(dial, DialOutcome.Linked, Peers.Id(peer), now, effects));
    }

    /// <summary>The one dial that is under way.</summary>
    public LinkPolicyEffect.Dial TheDial() => Assert.Single(Open);
}
