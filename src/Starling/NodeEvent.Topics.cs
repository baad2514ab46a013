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
}
