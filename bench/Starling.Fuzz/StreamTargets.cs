using Starling.Protocols.PubSub;
using Starling.Protocols.Streams;

namespace Starling.Fuzz;

/// <summary>Envelopes of stream topics: what is taken walks to its end within its bytes, and into a receiver and a log that stay in bounds.</summary>
internal sealed class EnvelopeTarget() : Target("envelopes", Sample())
{
    private static readonly StreamOptions Options = new() { MaxOrigins = 4, MaxHeldBytes = 64 << 10, MaxLogBytes = 64 << 10 };
    private static readonly NodeIdentity Identity = NodeIdentity.Generate();
    private readonly List<StreamEffect> _effects = [];
    private StreamReceiver? _receiver;
    private ReplayLog? _log;
    private long _fed;

    public override void Feed(byte[] input, RandomSource random)
    {
        if (_receiver is null || _log is null || _fed % 1000 == 0)
        {
            _receiver = new StreamReceiver(Options, new StreamCounters(), default);
            _log = new ReplayLog(Options);
        }

        var now = new Instant(_fed++ * TimeSpan.TicksPerMillisecond);
        if (EnvelopeCodec.TryRead(input, out var header) != EnvelopeRefusal.None) return;
        var cursor = new EnvelopeCursor(header);
        var count = 0;
        for (; cursor.TryNext(input, out var entry); count++) _ = input.AsSpan(entry.Start, entry.Length);
        if (count != header.Count) throw new InvalidOperationException($"{count} of {header.Count} messages.");
        var message = new MessageSigner(Identity, DateTimeOffset.UnixEpoch).Sign("t", input);
        if (StreamBundle.TryRead(message, Identity.PeerId, DateTimeOffset.UnixEpoch, now, random.Next(2) == 0, out var bundle) != EnvelopeRefusal.None) throw new InvalidOperationException("Read once, refused then.");
        _effects.Clear();
        _receiver.Receive(bundle!, now, _effects);
        _receiver.Tick(now, _effects);
        _log.Add(bundle!, now);
        if (_receiver.HeldBytes > Options.MaxHeldBytes || _log.Bytes > Options.MaxLogBytes) throw new InvalidOperationException("A bound was passed.");
    }

    private static byte[] Sample()
    {
        var builder = new BundleBuilder(1);
        for (var i = 0; i < 5; i++) builder.Add(new byte[i], i);
        using var bundle = builder.Seal();
        return bundle.Bytes.ToArray();
    }
}

/// <summary>Requests to logs, and answers.</summary>
internal sealed class ReplayTarget() : Target("replay", ReplayCodec.Write(new ReplayRequest(true, "prices", NodeIdentity.Generate().PeerId, 1, 2, 3, TimeSpan.FromSeconds(4)))[1..])
{
    public override void Feed(byte[] input, RandomSource random)
    {
        if (ReplayCodec.ReadRequest(input) is { } request && ReplayCodec.ReadRequest(ReplayCodec.Write(request).AsSpan(Varint.Length((ulong)ReplayCodec.Write(request).Length))) is null && input.Length < 120)
        {
            throw new InvalidOperationException("A request does not read back.");
        }

        if (ReplayCodec.TryReadAnswer(input, out var encoded, out _)) ReplayedMessage.TryRead(encoded, "/starling/stream/prices", isSigned: true);
    }
}
