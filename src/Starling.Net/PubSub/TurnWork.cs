using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>What a turn of the router leaves to be done when its lock is given back. Kept and used again by its thread.</summary>
internal sealed class TurnWork
{
    [ThreadStatic]
    private static TurnWork? _kept;

    /// <summary>Neighbours for whom something was queued.</summary>
    public List<PubSubPeer> Touched { get; } = [];

    /// <summary>Neighbours whose stream is to be opened anew.</summary>
    public List<PubSubPeer> Restarted { get; } = [];

    /// <summary>Neighbours that are no longer there.</summary>
    public List<PubSubPeer> Gone { get; } = [];

    /// <summary>Messages that wait for a verdict, and who brought them.</summary>
    public List<(TopicRouter Router, PubSubMessage Message, PeerId From)> Judged { get; } = [];

    /// <summary>The router that has news for the part that keeps links, or null.</summary>
    public TopicRouter? LinkNews { get; set; }

    public static TurnWork Rent()
    {
        var work = _kept ?? new TurnWork();
        _kept = null;
        return work;
    }

    /// <summary>Does it all. The last neighbour is written to on this thread, the others beside it.</summary>
    public void Run()
    {
        for (var i = 0; i < Touched.Count; i++) Touched[i].Pump(inline: i == Touched.Count - 1);
        foreach (var peer in Restarted) peer.Restart();
        foreach (var peer in Gone) peer.Stop();
        foreach (var (router, message, from) in Judged) router.Judge(message, from);
        LinkNews?.TellLinkNews();
        LinkNews = null;
        Touched.Clear();
        Restarted.Clear();
        Gone.Clear();
        Judged.Clear();
        _kept = this;
    }
}
