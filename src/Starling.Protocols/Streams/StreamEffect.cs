namespace Starling.Protocols.Streams;

/// <summary>What a receiver of a stream asks its shell to do, or tells it.</summary>
public enum StreamEffectKind
{
    /// <summary>Hand the messages of the bundle from counter <see cref="StreamEffect.First"/> on to the subscriptions; <see cref="StreamEffect.Missed"/> messages before them are lost.</summary>
    Deliver,

    /// <summary>The messages from <see cref="StreamEffect.First"/> on, <see cref="StreamEffect.Count"/> of them, are lost.</summary>
    Missed,

    /// <summary>Ask neighbours' logs for the messages from <see cref="StreamEffect.First"/> on, <see cref="StreamEffect.Count"/> of them; say <see cref="StreamReceiver.RecoveryEnded"/> afterwards.</summary>
    Recover,

    /// <summary>The origin itself brought a bundle of an epoch before its present one (<see cref="StreamEffect.Epoch"/> is the older): its clock went back before it started anew, and what it publishes is dropped. Told once of each origin.</summary>
    Stale,
}

/// <summary>One effect, to be carried out in order.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Origin">Whose messages.</param>
/// <param name="Epoch">Of which epoch.</param>
/// <param name="First">The first counter.</param>
/// <param name="Count">How many messages.</param>
/// <param name="Bundle">The bundle to deliver; for <see cref="StreamEffectKind.Recover"/> the one that showed the gap, whose bringer is the best to ask, or null.</param>
/// <param name="Missed">Messages of this origin that are lost right before these.</param>
/// <param name="Heard">When the receiver began to follow: what a log took in earlier is not wanted. Null wants all.</param>
public readonly record struct StreamEffect(
    StreamEffectKind Kind, PeerId Origin, ulong Epoch, ulong First, ulong Count, StreamBundle? Bundle = null, ulong Missed = 0, Instant? Heard = null);
