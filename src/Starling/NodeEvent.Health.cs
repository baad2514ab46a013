using Starling.Net.Links;

namespace Starling;

public abstract partial record NodeEvent
{
    /// <summary>A peer owes an answer for longer than its round trips explain. <see cref="Recovered"/> or <see cref="Disconnected"/> follows.</summary>
    /// <param name="Link">The link, still open.</param>
    public sealed record Suspect(PeerLink Link) : NodeEvent;

    /// <summary>Something came of a peer that was suspected.</summary>
    /// <param name="Link">The link.</param>
    public sealed record Recovered(PeerLink Link) : NodeEvent;
}
