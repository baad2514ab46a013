using Starling.Protocols.PubSub;

namespace Starling.Protocols.Tests.PubSub;

/// <summary>Meshing routers as a network: who gets what, and how large meshes are.</summary>
public sealed class MeshTests
{
    private const string Topic = "songs";

    public static TheoryData<string, int, int[]> Graphs => PubSubCoreTests.Graphs;

    [Theory, MemberData(nameof(Graphs))]
    public void Every_follower_gets_every_message_once_over_the_mesh(string shape, int size, int[] links)
    {
        for (var seed = 1ul; seed <= 10; seed++)
        {
            using var flock = Meshed(size, links, seed);
            for (var i = 0; i < 5; i++)
            {
                for (var bird = 0; bird < size; bird++) flock.Publish(bird, Topic, [(byte)bird, (byte)i]);
                if (i % 2 == 0) flock.Settle();
            }

            flock.Settle();
            foreach (var bird in flock.Birds)
            {
                Assert.True(bird.Delivered.Select(message => message.Id).Distinct().Count() == 5 * (size - 1), $"{shape}, seed {seed}: {bird.Delivered.Count} delivered");
                Assert.Equal(5 * (size - 1), bird.Delivered.Count);
            }
        }
    }

    [Fact]
    public void In_a_random_graph_of_fifty_each_message_arrives_once_everywhere_and_meshes_keep_their_bounds_under_churn()
    {
        for (var seed = 1ul; seed <= 3; seed++)
        {
            using var flock = RandomGraph(50, 14, seed);
            flock.Beat(5);
            CheckDegrees(flock, seed);
            var random = RandomSource.Seeded(seed).Fork("churn");
            for (var round = 0; round < 10; round++)
            {
                for (var i = 0; i < 10; i++)
                {
                    var (left, right) = (random.Next(50), random.Next(50));
                    if (left == right) continue;
                    if (flock.Birds[left].Core.HasPeer(flock.Birds[right].Id)) flock.Unlink(left, right);
                    else flock.Link(left, right);
                }

                flock.Beat(2);
                CheckDegrees(flock, seed);
            }

            foreach (var bird in flock.Birds) bird.Delivered.Clear();
            for (var bird = 0; bird < 50; bird += 10) flock.Publish(bird, Topic, [(byte)bird]);
            flock.Settle();
            flock.Beat(2);
            foreach (var bird in flock.Birds)
            {
                var wanted = 5 - (flock.Birds.ToList().IndexOf(bird) % 10 == 0 ? 1 : 0);
                Assert.True(wanted == bird.Delivered.Count && wanted == bird.Delivered.Select(message => message.Id).Distinct().Count(), $"seed {seed}: {bird.Delivered.Count} of {wanted}");
            }
        }
    }

    [Fact]
    public void What_the_mesh_lost_is_told_at_the_heartbeat_asked_for_and_sent()
    {
        // Forty followers: most of them are in nobody's mesh of the publisher, and every second copy is lost.
        var options = new PubSubOptions { Gossip = new GossipOptions { FloodPublish = false } };
        using var flock = RandomGraph(40, 20, 7, options);
        flock.Beat(3);
        var random = RandomSource.Seeded(11);
        flock.IsLost = (_, _, effect) => effect.Kind == PubSubEffectKind.Send && random.Next(2) == 0;
        for (var i = 0; i < 10; i++) flock.Publish(i, Topic, [(byte)i]);
        flock.Settle();
        Assert.Contains(flock.Birds, bird => bird.Delivered.Count < 9);

        flock.IsLost = null;
        flock.Beat(4);
        for (var i = 0; i < 40; i++) Assert.Equal(i < 10 ? 9 : 10, flock.Birds[i].Delivered.Count);
        Assert.True(flock.Birds.Sum(bird => bird.Core.Counters.Asked) > 0);
        Assert.True(flock.Birds.Sum(bird => bird.Core.Counters.Served) > 0);
    }

    private static void CheckDegrees(Flock flock, ulong seed)
    {
        var gossip = flock.Options.Gossip;
        foreach (var bird in flock.Birds)
        {
            var mesh = bird.Core.Mesh(Topic).ToList();
            var followers = bird.Core.Followers(Topic).ToHashSet();
            Assert.True(mesh.All(followers.Contains), $"seed {seed}: the mesh holds somebody who does not follow the topic");
            Assert.True(mesh.Count >= Math.Min(gossip.MeshLow, followers.Count) - 2 && mesh.Count <= gossip.MeshHigh + gossip.MeshOutbound, $"seed {seed}: {mesh.Count} of {followers.Count} followers are in the mesh");
        }
    }

    private static Flock RandomGraph(int size, int degree, ulong seed, PubSubOptions? options = null)
    {
        var flock = new Flock(size, seed, options, PubSubPeerKind.Mesh12);
        var random = RandomSource.Seeded(seed).Fork("graph");
        for (var bird = 0; bird < size; bird++) flock.Subscribe(bird, Topic);
        for (var bird = 0; bird < size; bird++) flock.Link(bird, (bird + 1) % size);
        for (var i = 0; i < size * (degree - 2) / 2; i++)
        {
            var (left, right) = (random.Next(size), random.Next(size));
            if (left != right && !flock.Birds[left].Core.HasPeer(flock.Birds[right].Id)) flock.Link(left, right);
        }

        flock.Settle();
        return flock;
    }

    private static Flock Meshed(int size, int[] links, ulong seed)
    {
        var flock = new Flock(size, seed, null, PubSubPeerKind.Mesh12);
        for (var bird = 0; bird < size; bird++) flock.Subscribe(bird, Topic);
        for (var i = 0; i < links.Length; i += 2) flock.Link(links[i], links[i + 1]);
        flock.Settle();
        return flock;
    }
}
