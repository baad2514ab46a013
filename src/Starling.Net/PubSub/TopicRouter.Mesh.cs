using System.Collections.Concurrent;

namespace Starling.Net.PubSub;

/// <content>Who is in which mesh, and what the part that keeps links is told of it.</content>
internal sealed partial class TopicRouter
{
    private readonly Dictionary<string, HashSet<PeerId>> _meshes = new(StringComparer.Ordinal);
    private readonly Dictionary<PeerId, int> _meshed = [];
    private readonly ConcurrentQueue<Action<ITopicLinks>> _linkNews = new();
    private int _linkNewsWaiting;

    private void OnMesh(string topic, PeerId peer, bool added)
    {
        if (!_meshes.TryGetValue(topic, out var mesh)) _meshes.Add(topic, mesh = []);
        if (!(added ? mesh.Add(peer) : mesh.Remove(peer))) return;
        if (mesh.Count == 0) _meshes.Remove(topic);

        // The topic of everybody is no reason to keep anybody.
        if (Topic.All.Wire.Equals(new WireTopic(Family, topic))) return;
        var count = _meshed.GetValueOrDefault(peer) + (added ? 1 : -1);
        if (count > 0) _meshed[peer] = count;
        else _meshed.Remove(peer);
        _linkNews.Enqueue(links => links.InMeshes(Family.ToString(), peer, count));
        _work.LinkNews = this;
    }

    private void OnConnect(PeerId peer, ReadOnlyMemory<byte>? record)
    {
        if (record is { } signed) _linkNews.Enqueue(links => links.Offer(peer, signed));
        else _linkNews.Enqueue(links => links.Keep(peer));
        _work.LinkNews = this;
    }

    /// <summary>Tells the news one at a time and in order, on whichever thread comes first.</summary>
    public void TellLinkNews()
    {
        if (Interlocked.Increment(ref _linkNewsWaiting) != 1) return;
        for (var called = 1; called != 0; called = Interlocked.Add(ref _linkNewsWaiting, -called))
        {
            while (_linkNews.TryDequeue(out var news))
            {
                if (_setting.Links is { } links) news(links);
            }
        }
    }
}
