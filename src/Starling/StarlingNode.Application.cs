using Starling.Net.Links;

namespace Starling;

/// <content>The application behind the node, and which links it admits.</content>
public sealed partial class StarlingNode
{
    private volatile INodeApplication? _application;

    /// <summary>The application behind the node, or null. May be set and changed at any time; it is asked from then on, and told of the next change.</summary>
    public INodeApplication? Application
    {
        get => _application;
        set => _application = value;
    }

    /// <summary>The round that the application is in; 0 without one.</summary>
    public long Round => _application?.Round ?? 0;

    /// <summary>The peers of the direct links that are ready now.</summary>
    public IReadOnlyList<PeerId> DirectNeighbours => [.. _parts.Swarm.Links.Where(link => link.Kind == LinkKind.Direct).Select(link => link.Peer)];

    /// <summary>Refuses every new link, incoming and outgoing, from now on. Links that are ready stay.</summary>
    /// <param name="reason">A sentence that the other side is told, and the caller of a dial; at most 256 characters are sent.</param>
    /// <returns>Disposing it admits links again, unless another refusal holds.</returns>
    public IDisposable RefuseLinks(string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return _parts.Swarm.AddGate(new ClosedGate(reason));
    }

    /// <summary>Asks one more gate before links are made and accepted.</summary>
    /// <returns>Disposing it asks the gate no longer.</returns>
    public IDisposable AddGate(ILinkGate gate) => _parts.Swarm.AddGate(gate);

    private void Attach(INodeApplication? application)
    {
        _application = application;
        var link = new ApplicationLink(() => _application);
        _parts.Swarm.AddGate(link);
        _parts.Swarm.Observe(link);
    }
}
