using Starling.Net.PubSub;

namespace Starling;

/// <content>Topics.</content>
public abstract partial record NodeEvent
{
    /// <summary>A message of a topic could not be read as the type of its subscription.</summary>
    /// <param name="Topic">The topic.</param>
    /// <param name="Origin">Who published it.</param>
    /// <param name="Payload">The first <see cref="MaxPayload"/> bytes.</param>
    /// <param name="Length">How many bytes there were.</param>
    /// <param name="Error">Why it could not.</param>
    public sealed record PayloadRefused(string Topic, PeerId Origin, ReadOnlyMemory<byte> Payload, int Length, PayloadException Error) : NodeEvent
    {
        /// <summary>Bytes of a payload that the event holds at most.</summary>
        public const int MaxPayload = 4096;

        internal static PayloadRefused Of(TopicMessage message, PayloadException error) =>
            new(message.Topic, message.Origin, message.Data[..Math.Min(MaxPayload, message.Data.Length)].ToArray(), message.Data.Length, error);
    }

    /// <summary>Messages of a stream or link topic are lost to this node's subscriptions: they exist, did not arrive, and no neighbour's log that was asked in time holds them.</summary>
    /// <param name="Topic">The topic.</param>
    /// <param name="Origin">Who published them.</param>
    /// <param name="First">The first one's number.</param>
    /// <param name="Count">How many, numbers in a row.</param>
    public sealed record MessagesMissed(Topic Topic, PeerId Origin, ulong First, ulong Count) : NodeEvent;
}
