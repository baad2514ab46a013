namespace Starling.Net.PubSub;

/// <summary>Messages of a stream or link topic that are lost to this node: they exist, did not arrive, and no neighbour's log that was asked in time holds them.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Origin">Who published them.</param>
/// <param name="Epoch">In which epoch of the origin.</param>
/// <param name="First">The first one's number.</param>
/// <param name="Count">How many there are, numbers in a row.</param>
public readonly record struct MissedMessages(Topic Topic, PeerId Origin, ulong Epoch, ulong First, ulong Count);
