using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>What a neighbour is to be told besides messages. Later news of a topic replace earlier ones, so the lane grows with the topics and not with time. One thread at a time.</summary>
internal sealed class ControlLane
{
    /// <summary>Well below the 5,000 that js-libp2p reads.</summary>
    private const int MaxAnnouncementsPerRpc = 1000;
    private readonly Dictionary<string, bool> _announcements = new(StringComparer.Ordinal);

    /// <summary>Entries that wait.</summary>
    public int Count => _announcements.Count;

    public void Add(in PubSubEffect control) => _announcements[control.Topic] = control.Kind == PubSubEffectKind.AnnounceSubscribe;

    public void Clear() => _announcements.Clear();

    /// <summary>Moves entries into a batch until it has so many bytes.</summary>
    public void Take(RpcBatch batch, int maxBytes)
    {
        for (var told = 0; _announcements.Count > 0 && told < MaxAnnouncementsPerRpc && batch.Size < maxBytes; told++)
        {
            var (topic, subscribe) = _announcements.First();
            _announcements.Remove(topic);
            batch.Add(topic, subscribe);
        }
    }
}
