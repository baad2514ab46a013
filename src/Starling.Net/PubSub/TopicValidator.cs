using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Judges a message before it is delivered or handed on: those of neighbours, and this node's own before they leave.</summary>
/// <param name="message">The message.</param>
/// <param name="cancellationToken">Cancelled when the time for a verdict is over (<see cref="GossipOptions.ValidationTimeout"/>), or the node stops.</param>
/// <returns>The verdict. Whatever is thrown, and a verdict that comes too late, counts as <see cref="PubSubVerdict.Ignore"/>.</returns>
/// <remarks>Called from several threads, many times at once (<see cref="GossipOptions.MaxValidations"/>). One that waits is to be asynchronous: it is called on the thread that reads from the neighbour.</remarks>
public delegate ValueTask<PubSubVerdict> TopicValidator(TopicCandidate message, CancellationToken cancellationToken);

/// <summary>A message that waits for its verdict.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Origin">The node that published it: proved by its signature, or, on a link topic, asserted by the members.</param>
/// <param name="ReceivedFrom">The neighbour that brought it; this node itself for an own message.</param>
/// <param name="Data">The payload; of a neighbour's message it may be kept, of an own one it is the publisher's and valid during the call.</param>
public readonly record struct TopicCandidate(string Topic, PeerId Origin, PeerId ReceivedFrom, ReadOnlyMemory<byte> Data);
