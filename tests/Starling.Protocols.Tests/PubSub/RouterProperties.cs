using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.PubSub;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>What holds of a router after any sequence of events, likely and unlikely ones.</summary>
public sealed class RouterProperties
{
    private static readonly string[] Names = ["a", "b.x", "b.*", "/starling/stream/s", "/starling/stream/s.t", "/starling/stream/>"];

    [Fact]
    public void Any_sequence_of_events_keeps_meshes_among_the_followers_backoffs_kept_and_every_table_within_its_bounds() => Check(OriginPolicy.Signed, scored: false);

    [Fact]
    public void So_it_is_with_scores() => Check(OriginPolicy.Signed, scored: true);

    [Fact]
    public void So_it_is_without_signatures() => Check(OriginPolicy.Link, scored: false);

    private static void Check(OriginPolicy policy, bool scored)
    {
        var steps = Gen.Choose(0, 14).Zip(Gen.Choose(0, 15)).Zip(Gen.Choose(0, Names.Length - 1)).Zip(Gen.Choose(0, 30));
        Prop.ForAll(steps.ListOf(150).ToArbitrary(), sequence =>
        {
            var world = new World(policy, scored);
            foreach (var (((what, peer), name), number) in sequence) world.Step(what, peer, Names[name], number);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    /// <summary>A router, and what a test that knows only its effects believes of it.</summary>
    private sealed class World
    {
        private static readonly HashSet<PeerId> Some = [.. Enumerable.Range(0, 8).Select(Lone.Peer)];
        private readonly Lone _lone;
        private readonly HashSet<(PeerId, string)> _mesh = [];
        private readonly HashSet<(PeerId, string)> _followers = [];
        private readonly Dictionary<(PeerId, string), Instant> _pruned = [];
        private readonly HashSet<PeerId> _linked = [];
        private readonly List<PubSubMessage> _messages = [];
        private readonly HashSet<PubSubMessage> _judging = [];
        private readonly HashSet<MessageId> _delivered = [];

        public World(OriginPolicy policy, bool scored)
        {
            _lone = new Lone(
                new PubSubOptions
                {
                    MaxTopicsPerPeer = 4,
                    Gossip = { MeshDegree = 3, MeshLow = 2, MeshHigh = 4, MeshOutbound = 1, MeshScored = 1, MaxHistoryMessages = 8, MaxHistoryBytes = 2000, MaxPatternTopics = 1, MaxValidations = 2, FanoutTime = TimeSpan.FromSeconds(3), FloodPublish = !scored },
                },
                scored ? GraftTests.Scored() : null,
                policy);
        }

        private PubSubCore Core => _lone.Core;

        public void Step(int what, int peer, string name, int number)
        {
            var id = Lone.Peer(peer);
            var (now, effects) = (_lone.Now, _lone.Effects);
            effects.Clear();
            switch (what)
            {
                case 0 or 1:
                    Core.AddPeer(id, (PubSubPeerKind)(number % 4), number % 3 == 0, null, now, effects);
                    _linked.Add(id);
                    break;
                case 2:
                    Core.RemovePeer(id, now, effects);
                    _linked.Remove(id);
                    break;
                case 3 or 4:
                    Core.ReceiveSubscription(id, new SubscriptionEntry(name, number % 4 != 0), now, effects);
                    break;
                case 5:
                    Core.Subscribe(name, now, effects);
                    break;
                case 6:
                    Core.Unsubscribe(name, now, effects);
                    break;
                case 7 or 8:
                    Core.ReceiveControl(id, new GossipControl(GossipControlKind.Graft, name), now, effects);
                    break;
                case 9:
                    Core.ReceiveControl(id, new GossipControl(GossipControlKind.Prune, name, default, new PruneDetail(TimeSpan.FromSeconds(number), [])), now, effects);
                    break;
                case 10:
                    var message = number < _messages.Count ? _messages[number] : _lone.Message(origin: peer % 3, topic: name.Replace('*', 'x').Replace('>', 'y'), size: number * 50);
                    if (number >= _messages.Count) _messages.Add(message);
                    Core.ReceiveMessage(id, message, now, effects);
                    break;
                case 11:
                    Core.Publish(_lone.Own(name.Replace('*', 'x').Replace('>', 'y'), number * 50), now, effects);
                    break;
                case 12:
                    var ids = _messages.Select(other => other.Id).Append(_lone.Message().Id).ToArray();
                    Core.ReceiveControl(id, new GossipControl((number % 3) switch { 0 => GossipControlKind.IHave, 1 => GossipControlKind.IWant, _ => GossipControlKind.IDontWant }, name, ids), now, effects);
                    break;
                case 13:
                    if (number % 5 == 4 && _judging.Count > 0) Core.Judge(_judging.First(), (PubSubVerdict)(number % 3), now, effects);
                    else if (number % 5 == 3) Core.AddExplicitPeer(id, now, effects);
                    else if (number % 5 == 2) Core.RemoveExplicitPeer(id);
                    else Core.SetTopicRules(name, new TopicRules(number % 2 == 0, number % 3 == 0 ? null : Some, number % 7 == 0), now, effects);
                    break;
                default:
                    _lone.Now += TimeSpan.FromSeconds(number % 10 == 0 ? 70 : 1);
                    Core.Heartbeat(_lone.Now, effects);
                    break;
            }

            Believe();
            Hold();
        }

        private void Believe()
        {
            foreach (var effect in _lone.Effects)
            {
                var pair = (effect.Peer, effect.Topic);
                switch (effect.Kind)
                {
                    case PubSubEffectKind.PeerSubscribed:
                        Assert.True(_followers.Add(pair), "a follower is told of once");
                        break;
                    case PubSubEffectKind.PeerUnsubscribed:
                        Assert.True(_followers.Remove(pair), "only a follower is told of as one no longer");
                        break;
                    case PubSubEffectKind.MeshAdded:
                        Assert.True(_mesh.Add(pair), "a mesh neighbour is told of once");
                        break;
                    case PubSubEffectKind.MeshRemoved:
                        Assert.True(_mesh.Remove(pair), "only a mesh neighbour is told of as one no longer");
                        break;
                    case PubSubEffectKind.Prune:
                        _pruned[pair] = _lone.Now + (((PruneDetail)effect.Detail!).Backoff ?? TimeSpan.FromMinutes(1));
                        break;
                    case PubSubEffectKind.Graft:
                        Assert.True(!_pruned.TryGetValue(pair, out var until) || _lone.Now >= until, "nobody is grafted before the backoff that it was told");
                        break;
                    case PubSubEffectKind.Validate:
                        _judging.Add(effect.Message!);
                        break;
                    case PubSubEffectKind.Deliver:
                        Assert.True(_delivered.Add(effect.Message!.Id) || _lone.Now > new Instant(TimeSpan.TicksPerDay) + TimeSpan.FromMinutes(2), "a message is delivered once");
                        break;
                }

                if (effect.Kind is not (PubSubEffectKind.Connect or PubSubEffectKind.Deliver or PubSubEffectKind.Validate or PubSubEffectKind.PeerUnsubscribed or PubSubEffectKind.MeshRemoved))
                {
                    Assert.Contains(effect.Peer, _linked);
                }
            }
        }

        private void Hold()
        {
            foreach (var name in _mesh.Select(pair => pair.Item2).Concat(Names).Distinct())
            {
                var mesh = Core.Mesh(name).ToList();
                var followers = Core.Followers(name).ToHashSet();
                Assert.Equal(mesh.ToHashSet(), _mesh.Where(pair => pair.Item2 == name).Select(pair => pair.Item1).ToHashSet());
                Assert.True(mesh.All(peer => followers.Contains(peer) && _linked.Contains(peer)), "a mesh is among the followers");
                Assert.True(mesh.Count == 0 || (Core.Topics.Contains(name) && !TopicNames.IsPattern(name)), "only followed topics have a mesh");
                Assert.True(_followers.Where(pair => pair.Item2 == name).All(pair => followers.Contains(pair.Item1)), "who was told of as a follower is one");
                Assert.Equal(mesh.Count, mesh.Distinct().Count());
            }

            Assert.True(Core.HistoryCount <= 8 && (Core.HistoryBytes <= 2000 || Core.HistoryCount == 1), "the history is bounded");
            Assert.True(Core.PendingCount <= 2, "what waits for a verdict is bounded");
            Assert.True(Core.StateCount <= Names.Length + 2, "what is known of topics is bounded");
            foreach (var peer in _linked) Assert.True(_followers.Count(pair => pair.Item1.Equals(peer)) <= 4, "what a neighbour follows is bounded");
        }
    }
}
