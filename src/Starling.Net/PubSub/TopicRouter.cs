using Starling.Net.Links;
using Starling.Protocols.PubSub;
using Starling.Protocols.PubSub.Scoring;

namespace Starling.Net.PubSub;

/// <summary>The router of one family: its core, its neighbours, its sinks. Whatever happens calls the core in place under the router's lock.</summary>
/// <remarks>Under the lock nothing waits and nothing is sent: effects go into the neighbours' queues, and who queued something sees to its being written once the lock is given back.
/// A call from within a turn, such as a sink that ends, is part of that turn.</remarks>
internal sealed partial class TopicRouter : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<PubSubEffect> _effects = [];
    private readonly ILinkHost _host;
    private readonly TopicSetting _setting;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _ending = new();
    private Instant _armed = Instant.Never;
    private IDisposable[] _registrations = [];
    private TurnWork _work = new();
    private int _depth;
    private bool _stopped;

    public TopicRouter(TopicFamily family, ILinkHost host, IReadOnlyList<string> protocols, TopicSetting setting)
    {
        Family = family;
        _host = host;
        Protocols = protocols;
        _setting = setting;
        (Options, Budget, Clock, Random, Log, Metrics) = (setting.Options, setting.Budget, setting.Clock, setting.Random, setting.Log, setting.Metrics);
        Policy = family == TopicFamily.LibP2P ? OriginPolicy.Signed : OriginPolicy.Link;
        Core = new PubSubCore(host.LocalPeer, setting.Options, setting.Random.Fork(family.ToString()), Policy) { RecordOf = peer => host.Find(peer)?.Info.SignedPeerRecord ?? default };
        if (Options.Score is { } score) Core.Score = new PeerScore(score, Clock.Now());
        foreach (var peer in Options.ExplicitPeers) Core.AddExplicitPeer(peer, Clock.Now(), _effects);
        _timer = setting.Clock.CreateTimer(static router => ((TopicRouter)router!).OnTick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Board = new SubscriberBoard(isOpen: Policy == OriginPolicy.Signed);
    }

    public TopicFamily Family { get; }

    public OriginPolicy Policy { get; }

    public IReadOnlyList<string> Protocols { get; }

    public PeerId LocalPeer => _host.LocalPeer;

    public PubSubServiceOptions Options { get; }

    public ResourceBudget Budget { get; }

    public TimeProvider Clock { get; }

    public RandomSource Random { get; }

    public PubSubLog Log { get; }

    public PubSubMetrics Metrics { get; }

    public PubSubCounters Counters => Core.Counters;

    public SubscriberBoard Board { get; }

    /// <summary>Whether messages of others are handed on.</summary>
    public bool HandsOn
    {
        set
        {
            using var turn = BeginTurn();
            Core.HandsOn = value;
        }
    }

    /// <summary>To be used only in the router's turn.</summary>
    private PubSubCore Core { get; }

    /// <summary>First entry of a received RPC: who follows what, and which messages are new. Returns how many signatures are to be checked before <see cref="Accept"/>.</summary>
    public int Receive(PeerId from, Rpc rpc)
    {
        using var turn = BeginTurn();
        return Core.Receive(from, rpc, Clock.Now(), _effects);
    }

    /// <summary>Second entry: delivers and hands on what holds.</summary>
    /// <param name="from">The neighbour that brought it.</param>
    /// <param name="rpc">The RPC, its signatures checked.</param>
    /// <param name="full">Receives the sinks whose room the reader is to wait for.</param>
    public void Accept(PeerId from, Rpc rpc, List<ITopicSink> full)
    {
        using var turn = BeginTurn();
        _full = full;
        Core.Accept(from, rpc, Clock.Now(), _effects);
        CarryOut();
        _full = null;
    }

    public void CountRefusal(PubSubRefusal reason)
    {
        using var turn = BeginTurn();
        Core.CountRefusal(reason);
    }

    /// <summary>Sends a message of this node.</summary>
    public WirePublish Publish(PubSubMessage message, bool waited, Release? release)
    {
        using var turn = BeginTurn();
        if (_stopped) return new WirePublish(PublishStatus.Rejected);
        (_sent, _missed, _waited, _release, _publishing) = (0, 0, waited, release, true);
        Core.Publish(message, Clock.Now(), _effects);
        CarryOut();
        (_release, _publishing) = (null, false);
        if (_missed > 0) return new WirePublish(PublishStatus.Backpressured, _sent, _missed);
        return _sent == 0 ? new WirePublish(PublishStatus.NoPeers) : new WirePublish(PublishStatus.Sent, _sent);
    }

    public IReadOnlyList<string> FollowedTopics()
    {
        using var turn = BeginTurn();
        return [.. Core.Topics];
    }

    /// <summary>Serves the protocols and follows the host's links from now on. Once.</summary>
    public void Start(StreamHandler serve) =>
        _registrations = [.. Protocols.Select(protocol => _host.Handle(protocol, serve, maxInboundPerPeer: 4)), _host.Observe(this)];

    /// <summary>Takes no further links and messages, and tells the sinks.</summary>
    public void Stop(Exception why)
    {
        foreach (var registration in _registrations) registration.Dispose();
        Board.Stop(why);
        using var turn = BeginTurn();
        _stopped = true;
        foreach (var topic in _topics.Values) topic.Stop();
    }

    /// <summary>Ends what is still under way after <see cref="Stop"/>: no heartbeat comes any more, and no verdict is waited for.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        _ending.Cancel();
    }

    private void OnTick()
    {
        using var turn = BeginTurn();
        _armed = Instant.Never;
        if (_stopped) return;
        Core.Heartbeat(Clock.Now(), _effects);
        UpdateRates();
    }

    private void Arm()
    {
        var next = Core.NextTick;
        if (next >= _armed || _stopped) return;
        _armed = next;
        var wait = next - Clock.Now();
        _timer.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private Turn BeginTurn()
    {
        _gate.Enter();
        if (_depth++ == 0) _work = TurnWork.Rent();
        return new Turn(this);
    }

    private void EndTurn()
    {
        if (_depth > 1)
        {
            _depth--;
            _gate.Exit();
            return;
        }

        TurnWork work;
        try
        {
            CarryOut();
            Arm();
        }
        finally
        {
            foreach (var peer in _work.Touched) peer.IsTouched = false;
            work = _work;
            _depth = 0;
            _gate.Exit();
        }

        work.Run();
    }

    /// <summary>The router's lock, and what follows from a turn.</summary>
    private readonly ref struct Turn(TopicRouter router)
    {
        public void Dispose() => router.EndTurn();
    }
}

/// <summary>What both routers of a node share.</summary>
internal sealed record TopicSetting(PubSubServiceOptions Options, ResourceBudget Budget, TimeProvider Clock, RandomSource Random, PubSubLog Log, PubSubMetrics Metrics)
{
    /// <summary>Where the numbers and epochs of this node's messages begin.</summary>
    public DateTimeOffset Begin { get; } = StartTime.Begin(Options.StartFile, Clock, Log);

    /// <summary>Who is told of meshes and of peers worth a link, or null.</summary>
    public ITopicLinks? Links { get; set; }
}
