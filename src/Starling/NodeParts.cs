using Microsoft.Extensions.Logging;
using Starling.Net;
using Starling.Net.Discovery;
using Starling.Net.Joining;
using Starling.Net.Links;
using Starling.Net.Messages;
using Starling.Net.Pairing;
using Starling.Net.PubSub;
using Starling.Net.PubSub.Groups;
using Starling.Net.Requests;
using Starling.Net.Transport;
using Starling.Net.Transport.Noise;
using Starling.Protocols.Discovery;
using Starling.Protocols.Links;
using Starling.Protocols.Links.Policy;
using Starling.Protocols.Yamux;

namespace Starling;

/// <summary>The parts of one node, put together and taken apart in the right order.</summary>
internal sealed class NodeParts : IAsyncDisposable
{
    private readonly StarlingOptions _options;
    private readonly NodeEnvironment _environment;
    private readonly NodeEventHub _events;
    private readonly Upgrader _upgrader;
    private readonly TransportMetrics _transportMetrics;
    private readonly LinksMetrics _linksMetrics;
    private readonly DiscoveryMetrics _discoveryMetrics;
    private readonly PeersMetrics _peersMetrics;
    private readonly BudgetMetrics _budgetMetrics;
    private readonly DiscoveryRegistry _discoveryKinds;
    private readonly AddressWatch _addresses;
    private readonly RequestsMetrics _requestsMetrics;
    private readonly LinkPolicyMetrics _policyMetrics;

    public NodeParts(StarlingOptions options, NodeEnvironment environment, NodeEventHub events)
    {
        (_options, _environment, _events) = (options, environment, events);
        _discoveryKinds = new DiscoveryRegistry(environment.Discoveries);
        _discoveryKinds.Register("overlay", context => Overlay!.Discover(context));
        _discoveryKinds.Register("peer-exchange", _ => Overlay!.Exchange);
        _discoveryKinds.Require(options.Discovery.Providers);
        Identity = environment.Identity ?? (options.IdentityFile is { } file ? NodeIdentity.LoadOrCreate(file) : NodeIdentity.Generate());
        Budget = new ResourceBudget(new ResourceBudgetOptions
        {
            MaxHandshakes = options.MaxHandshakes,
            MaxLinks = options.MaxLinks,
            MaxStreams = options.MaxStreams,
            MaxWindowBytes = options.MaxWindowBytes,
            MaxQueueBytes = options.MaxQueueBytes,
            Scopes = options.Limits,
        });
        var clock = environment.Clock;
        var logger = environment.Loggers.CreateLogger("Starling.Net.Transport");
        _transportMetrics = new TransportMetrics(environment.Meters);
        IReadOnlyList<ITransport> transports = [.. environment.Transports, new TcpTransport(new TcpTransportOptions(), clock, _transportMetrics, logger)];
        _upgrader = new Upgrader(Identity.PeerId, Security(), UpgraderOptions(), Budget, clock, _transportMetrics, logger);
        var dialer = new Dialer(transports, _upgrader, new DialerOptions { DialTimeout = options.DialTimeout }, clock, _transportMetrics, logger);
        _linksMetrics = new LinksMetrics(environment.Meters);
        _discoveryMetrics = new DiscoveryMetrics(environment.Meters);
        var wiring = new SwarmWiring(Identity, transports, dialer.DialAsync, (raw, cancelled) => _upgrader.UpgradeAsync(raw, null, cancelled), clock, environment.Random, Budget);
        Swarm = new Swarm(wiring, SwarmOptions(), _linksMetrics, environment.Loggers.CreateLogger<Swarm>());
        dialer.RefuseResolved = (peer, address) => Swarm.RefuseDial(peer, address)?.Detail;
        Health = new HealthMonitor(Swarm, options.Health, clock, OnHealth, environment.Loggers.CreateLogger<HealthMonitor>(), environment.Meters);
        _peersMetrics = new PeersMetrics(environment.Meters);
        Restrictions = new Restrictions(options.Restrictions, clock, _peersMetrics, environment.Loggers.CreateLogger<Restrictions>());
        Restrictions.Observe((entry, change) => events.Raise(change == BlockChange.Added ? new NodeEvent.Blocked(entry) : new NodeEvent.Unblocked(entry, change == BlockChange.Expired)));
        Swarm.AddGate(Restrictions);
        _budgetMetrics = new BudgetMetrics(Budget, environment.Meters);
        Peers = new PeerBook(Identity.PeerId, options.Peers, clock, _peersMetrics, environment.Loggers.CreateLogger<PeerBook>()) { LinkedOnly = options.Role == NodeRole.Root };
        var topics = options.Topics.WithStopTimeout(Least(options.Topics.StopTimeout, options.StopTimeout / 2));
        if (environment.Identity is null && options.IdentityFile is { } keyFile) topics.StartFile ??= $"{keyFile}.start";
        Topics = new PubSubService(Swarm, Identity, topics, Budget, clock, environment.Random, environment.Loggers.CreateLogger<PubSubService>(), environment.Meters) { Links = new NodeTopicLinks(() => Manager!, Peers) };
        Topics.Observe(missed => events.Raise(new NodeEvent.MessagesMissed(missed.Topic, missed.Origin, missed.First, missed.Count)));
        if (options.FollowAll) Topics.Keep(Topic.All);
        _requestsMetrics = new RequestsMetrics(environment.Meters);
        Requests = new RequestService(Swarm, options.Requests, Budget, clock, _requestsMetrics, environment.Loggers.CreateLogger<RequestService>())
        {
            Status = _ => new NodeStatus { Name = options.DisplayName, Serving = true },
        };
        Groups = new TopicGroups(Identity.PeerId, Topics, options.StopTimeout / 2, clock, environment.Random, environment.Loggers.CreateLogger<TopicGroups>(), environment.Meters);
        TopicRequests = new TopicRequests(Identity.PeerId, Topics, Groups, Requests, clock, environment.Random, environment.Loggers.CreateLogger<TopicRequests>());
        Messages = new MessageService(Swarm, options.Messages, Budget, clock, environment.Random, environment.Loggers.CreateLogger<MessageService>(), environment.Meters);
        Messages.Observe(happened => events.Raise(NodeEvent.Of(happened)));
        Overlay = new NodeOverlay(options, environment, Identity, Swarm, Peers, Budget);
        if (options.Role == NodeRole.Root)
        {
            (Overlay.Spread.RelayUnknownKinds, Overlay.Spread.KeepsItems) = (true, false);
            Topics.FollowsTopics = false;
        }

        Overlay.Spread.Observe(happened => events.Raise(NodeEvent.Of(happened)));
        _policyMetrics = new LinkPolicyMetrics(environment.Meters);
        var management = new LinkManagerWiring(clock, environment.Random.Fork("links"), Budget, Peers, RaiseLinkNews);
        Manager = new LinkManager(Swarm, options.Links, management, _policyMetrics, environment.Loggers.CreateLogger<LinkManager>());
        Restrictions.Observe((_, change) =>
        {
            if (change != BlockChange.Added) Manager.OnRestrictionsChanged();
        });
        Relay = new NodeRelay(Topics, Overlay.Spread, Messages);
        Pairing = new TopicPairing(Topics, Overlay.Search, Swarm, options.Pairing, PartAsync, clock, environment.Random, environment.Loggers.CreateLogger<TopicPairing>(), environment.Meters);
        Pairing.Observe(change => events.Raise(NodeEvent.Of(change)));
        Discovery = Discoveries();
        Discovery.Observe(new DiscoveryEvents(events));
        Discovery.Observe(Manager);
        _addresses = new AddressWatch(Swarm, Discovery, environment.Network);
        Joining = new JoinService(
            Swarm,
            (link, kind, cancelled) => Swarm.SetKindAsync((PeerLink)link, kind, cancelled),
            Discovery,
            Requests,
            clock,
            _discoveryMetrics,
            (request, answer) => events.Raise(new NodeEvent.JoinAnswered(request.Peer, request.Name, answer)),
            environment.Loggers.CreateLogger<JoinService>());
    }

    public NodeIdentity Identity { get; }

    public TimeProvider Clock => _environment.Clock;

    public RandomSource Random => _environment.Random;

    public ResourceBudget Budget { get; }

    public Swarm Swarm { get; }

    public HealthMonitor Health { get; }

    public PubSubService Topics { get; }

    public TopicGroups Groups { get; }

    public TopicRequests TopicRequests { get; }

    public RequestService Requests { get; }

    public PeerBook Peers { get; }

    public MessageService Messages { get; }

    public NodeOverlay Overlay { get; }

    public TopicPairing Pairing { get; }

    public NodeRelay Relay { get; }

    public Restrictions Restrictions { get; }

    public async Task StartPeersAsync(CancellationToken cancellationToken)
    {
        await Restrictions.StartAsync(Swarm, (peer, why) => Swarm.DisconnectAsync(peer, why), cancellationToken);
        await Peers.StartAsync(Swarm, cancellationToken);
        foreach (var peer in Peers.Peers)
        {
            foreach (var known in peer.Addresses.Where(address => address.IsPinned)) Swarm.Pin(known.Address, peer.Peer);
        }

        Swarm.Pinned = (address, peer) => Peers.Pin(peer, address);
    }

    public DiscoverySet Discovery { get; }

    /// <summary>The parts that finish what is under way before the node stops.</summary>
    public IReadOnlyList<IDrainable> Drainables => [Requests, Messages];

    /// <summary>Keeps the links: the one part that dials unasked.</summary>
    public LinkManager Manager { get; }

    public Task StartDiscoveryAsync(CancellationToken cancellationToken)
    {
        Manager.Start();
        return _options.Discovery.Mode == DiscoveryMode.Off ? Task.CompletedTask : Discovery.StartAsync(cancellationToken);
    }

    public JoinService Joining { get; }

    /// <summary>The node accepts links at other addresses than before.</summary>
    public void OnListening() => _addresses.OnListening();

    public async Task StopAsync(TimeSpan deadline)
    {
        var start = _environment.Clock.GetTimestamp();
        await EndAsync(Manager);
        _addresses.Dispose();
        Joining.Dispose();
        await EndAsync(Discovery);
        await EndAsync(TopicRequests);
        await EndAsync(Groups);
        await EndAsync(Requests);
        await EndAsync(Messages);
        await EndAsync(Pairing);
        await EndAsync(Overlay);
        await EndAsync(Topics);
        await EndAsync(Health);
        var left = deadline - _environment.Clock.GetElapsedTime(start);
        await Swarm.StopAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        await EndAsync(Peers);
        await EndAsync(Restrictions);
        _upgrader.Dispose();
        _transportMetrics.Dispose();
        _linksMetrics.Dispose();
        _discoveryMetrics.Dispose();
        _requestsMetrics.Dispose();
        _peersMetrics.Dispose();
        _budgetMetrics.Dispose();
        _policyMetrics.Dispose();
        if (_environment.Identity is null) Identity.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync(_options.StopTimeout);

    /// <summary>Ends a part; one that fails, such as a discovery of the user's, does not keep the others running.</summary>
    private async Task EndAsync(IAsyncDisposable part)
    {
        try
        {
            await part.DisposeAsync();
        }
        catch (Exception error)
        {
            FacadeLog.PartNotEnded(_environment.Loggers.CreateLogger<StarlingNode>(), part.GetType().Name, error);
        }
    }

    /// <summary>Parts from a peer for good: nothing here makes the link again by itself.</summary>
    private Task PartAsync(PeerId peer)
    {
        Manager.Release(peer);
        return Swarm.DisconnectAsync(peer, null);
    }

    private void OnHealth(IPeerLink link, LinkHealth health)
    {
        // A link that has gone silent is worth less than any that answers when links must go.
        if (health != LinkHealth.Dead) Manager.SetHealth(link.Peer, health == LinkHealth.Suspect ? 0 : 1);
        if (health == LinkHealth.Suspect) _events.Raise(new NodeEvent.Suspect((PeerLink)link));
        else if (health == LinkHealth.Alive) _events.Raise(new NodeEvent.Recovered((PeerLink)link));
    }

    private void RaiseLinkNews(LinkPolicyEffect news)
    {
        if (NodeEvent.OfPolicy(news) is { } happened) _events.Raise(happened);
    }

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private IReadOnlyList<ISecurityProtocol> Security()
    {
        if (_options.Security.Count == 0) return Upgrader.DefaultSecurity(Identity, _environment.Clock);
        if (_options.Security.Contains("noise") && !NoiseSecurity.IsSupported) throw new StarlingException("Starling option Security: 'noise' needs libcrypto, which was not found here; install OpenSSL 3 or leave noise out.");
        return [.. _options.Security.Select(ISecurityProtocol (name) => name == "tls" ? new TlsSecurity(Identity, _environment.Clock) : new NoiseSecurity(Identity))];
    }

    private UpgraderOptions UpgraderOptions() => new()
    {
        HandshakeTimeout = _options.HandshakeTimeout,
        Yamux = new YamuxOptions
        {
            KeepAliveTimeout = KeepAliveBackstop(),
            MaxInboundStreams = _options.MaxStreamsPerPeer,
        },
    };

    /// <summary>The multiplexer's own keep-alive serves links that are not ready, and never decides before the monitor does.</summary>
    private TimeSpan KeepAliveBackstop()
    {
        var (least, slowest) = (new YamuxOptions().KeepAliveTimeout, _options.Health.Timeout * (_options.Health.LocalHealthMaximum + 1));
        return slowest > least ? slowest : least;
    }

    private SwarmOptions SwarmOptions()
    {
        var options = new SwarmOptions
        {
            DisplayName = _options.DisplayName,
            Announce = new AnnouncedAddresses(_options.Announce, _options.AnnounceListened).Of,
            Links = new LinksOptions { MaxLinks = _options.MaxLinks, IdentifyTimeout = _options.IdentifyTimeout },
        };
        if (_options.AgentVersion is { } agent) options.AgentVersion = agent;
        return options;
    }

    private DiscoverySet Discoveries()
    {
        var options = _options.Discovery;
        var names = options.Providers.AsEnumerable();
        if (_options.Bootstrap.Count > 0) names = names.Append("bootstrap");
        if (_options.Mdns) names = names.Append("mdns");
        return new DiscoverySet(_discoveryKinds, new DiscoveryContext(Identity.PeerId, options)
        {
            Addresses = () => Swarm.AnnouncedAddresses,
            Bootstrap = [.. _options.Bootstrap.Select(Multiaddr.ParseUserInput)],
            Host = Swarm,
            Network = _environment.Network,
            Clock = _environment.Clock,
            Random = _environment.Random.Fork("discovery"),
            Metrics = _discoveryMetrics,
            Loggers = _environment.Loggers,
        }, names);
    }
}
