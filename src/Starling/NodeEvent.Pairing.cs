using Starling.Net.Pairing;
using Starling.Net.PubSub;

namespace Starling;

/// <content>Pairing.</content>
public abstract partial record NodeEvent
{
    /// <summary>As many peers as were wanted are linked that follow a topic.</summary>
    /// <param name="Topic">The topic.</param>
    /// <param name="Peers">Those that follow it.</param>
    public sealed record Paired(Topic Topic, IReadOnlyList<PeerId> Peers) : NodeEvent;

    /// <summary>A topic that is kept paired has lost peers and is searched for again.</summary>
    /// <param name="Topic">The topic.</param>
    /// <param name="Peers">Those that are left.</param>
    public sealed record Unpaired(Topic Topic, IReadOnlyList<PeerId> Peers) : NodeEvent;

    internal static NodeEvent Of(PairingChange change) => change.IsPaired ? new Paired(change.Topic, change.Peers) : new Unpaired(change.Topic, change.Peers);
}
