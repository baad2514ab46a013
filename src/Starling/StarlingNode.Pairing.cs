using Starling.Net.Pairing;
using Starling.Net.PubSub;

namespace Starling;

/// <content>Finding others of a topic beyond the linked peers.</content>
public sealed partial class StarlingNode
{
    /// <summary>What pairing is built on.</summary>
    public TopicPairing Pairing => _parts.Pairing;

    /// <summary>Finds others of a topic anywhere in the overlay, and links with them until as many as are wanted are linked.</summary>
    /// <param name="topic">The topic; this node need not follow it.</param>
    /// <param name="options">How many, how far, how long, and what becomes of the links over which they were found; null takes the defaults: one, 30 seconds, the links stay.</param>
    /// <param name="cancellationToken">Ends it; links that were made stay.</param>
    /// <returns>The linked peers that follow the topic.</returns>
    /// <exception cref="TimeoutException">Fewer were found in time; those stay linked, and entry links too.</exception>
    public Task<IReadOnlyList<PeerId>> PairAsync(Topic topic, PairingOptions? options = null, CancellationToken cancellationToken = default) =>
        _parts.Pairing.PairAsync(topic, options, cancellationToken);

    /// <summary>Completes once at least so many linked peers follow a topic, however they came; searches for nobody.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="wanted">How many. At least 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">There are fewer when the time is over.</exception>
    public Task<IReadOnlyList<PeerId>> PairedAsync(Topic topic, TimeSpan timeout, int wanted = 1, CancellationToken cancellationToken = default) =>
        _parts.Pairing.PairedAsync(topic, timeout, wanted, cancellationToken);

    /// <summary>Keeps a topic paired until the result is disposed: searches now, and again whenever fewer peers are linked than are wanted.</summary>
    public IDisposable KeepPaired(Topic topic, PairingOptions? options = null) => _parts.Pairing.Keep(topic, options);

    /// <summary>The topics that this node follows and at least one linked peer as well.</summary>
    public IReadOnlyList<Topic> PairedTopics => _parts.Topics.PairedTopics;
}
