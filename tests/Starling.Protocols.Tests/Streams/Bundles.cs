using Starling.Protocols.PubSub;
using Starling.Protocols.Streams;

namespace Starling.Protocols.Tests.Streams;

/// <summary>Bundles as a test asks for them. A message's payload is its counter's text.</summary>
internal static class Bundles
{
    public const string Wire = "/starling/stream/prices";
    public static readonly PeerId Ann = NodeIdentity.Generate().PeerId;
    public static readonly PeerId Bob = NodeIdentity.Generate().PeerId;

    public static byte[] Envelope(ulong epoch, ulong first, int count, long time = 1)
    {
        var builder = new BundleBuilder(epoch);
        while (builder.Next < first)
        {
            while (builder.Next < first && builder.Fits(0)) builder.Add([], 0);
            builder.Seal().Dispose();
        }

        if (count == 0) return builder.Mark(time);
        for (var i = 0; i < count; i++) builder.Add(System.Text.Encoding.UTF8.GetBytes($"{builder.Next}"), time);
        using var bundle = builder.Seal();
        return bundle.Bytes.ToArray();
    }

    public static StreamBundle Of(PeerId origin, ulong epoch, ulong first, int count, Instant takenAt = default, bool isReplayed = false, long time = 1)
    {
        var envelope = Envelope(epoch, first, count, time);
        var message = new PubSubMessage(new MessageId(origin, first), Wire, envelope, envelope);
        Assert.Equal(EnvelopeRefusal.None, StreamBundle.TryRead(message, origin, DateTimeOffset.UnixEpoch, takenAt, isReplayed, out var bundle));
        return bundle!;
    }
}
