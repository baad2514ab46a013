namespace Starling.Gateways.Gossip;

/// <summary>The 16-bit ids by which one client knows messages: given in turn from 0 on, never one that is still in use. Not safe for several threads.</summary>
/// <remarks>Bounded by the messages in the cache, which are fewer than the ids.</remarks>
public sealed class NotificationIds
{
    private readonly Dictionary<ushort, CachedMessage> _messages = [];
    private readonly Dictionary<CachedMessage, ushort> _ids = [];
    private ushort _next;

    /// <summary>The messages that the client knows and that are still there.</summary>
    public IReadOnlyCollection<CachedMessage> Messages => _ids.Keys;

    /// <summary>Gives a message its id, or returns the one that it has.</summary>
    public ushort Give(CachedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (_ids.TryGetValue(message, out var known)) return known;
        while (_messages.ContainsKey(_next)) _next++;
        _messages.Add(_next, message);
        _ids.Add(message, _next);
        return _next++;
    }

    /// <summary>The message that the client knows by this id, or null when it never was told of it or the message is gone.</summary>
    public CachedMessage? Find(ushort id) => _messages.GetValueOrDefault(id);

    /// <summary>Takes back the id of a message that is gone.</summary>
    public void Forget(CachedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (_ids.Remove(message, out var id)) _messages.Remove(id);
    }
}
