using System.Diagnostics.CodeAnalysis;

namespace Starling.Protocols.PubSub;

/// <summary>Messages that wait for a verdict, bounded by count, bytes and time.</summary>
internal sealed class PendingMessages(GossipOptions options)
{
    private readonly Dictionary<PubSubMessage, (PeerId From, Instant Until)> _waiting = [];

    public int Count => _waiting.Count;

    public long Bytes { get; private set; }

    public bool HasRoom(int size) =>
        _waiting.Count == 0 || (_waiting.Count < options.MaxValidations && Bytes + size <= options.MaxValidationBytes);

    public void Add(PubSubMessage message, PeerId from, Instant now)
    {
        if (_waiting.TryAdd(message, (from, now + options.ValidationTimeout))) Bytes += message.Size;
    }

    public bool TryTake(PubSubMessage message, [NotNullWhen(true)] out PeerId? from)
    {
        var found = _waiting.Remove(message, out var waiting);
        (from, _) = waiting;
        if (found) Bytes -= message.Size;
        return found;
    }

    /// <summary>The messages that have waited too long.</summary>
    public void FindLate(Instant now, List<PubSubMessage> late)
    {
        foreach (var (message, waiting) in _waiting)
        {
            if (waiting.Until <= now) late.Add(message);
        }
    }
}
