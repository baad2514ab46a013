using System.Collections;

namespace Starling.Gateways.Gossip;

/// <summary>A message in a cache.</summary>
public sealed class CachedMessage
{
    internal CachedMessage(ushort id, ushort dataType, ReadOnlyMemory<byte> data, ContentHash hash) => (Id, DataType, Data, Hash) = (id, dataType, data, hash);

    /// <summary>The message's number in its cache, from 0 to 65,535; free again when it leaves the cache.</summary>
    public ushort Id { get; }

    /// <summary>What the data is.</summary>
    public ushort DataType { get; }

    /// <summary>The data.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>What duplicates are known by.</summary>
    public ContentHash Hash { get; }

    /// <summary>Whether it may be handed to others; false while a verdict is awaited.</summary>
    public bool IsValid { get; internal set; }

    /// <summary>Its place in the cache.</summary>
    internal LinkedListNode<CachedMessage> Place { get; set; } = null!;
}

/// <summary>The last messages, each once, by number and by content. Every operation takes constant time. Not safe for several threads.</summary>
/// <remarks>Valid messages and those that await a verdict are bounded apart, so that a burst from the network does not push out what was
/// validated, nor make its own messages stale before anybody could judge them. In either part the oldest makes room for the newest.</remarks>
public sealed class GossipMessageCache : IEnumerable<CachedMessage>
{
    /// <summary>The greatest id of a message.</summary>
    public const int MaxMessageId = ushort.MaxValue;

    /// <summary>The most that <see cref="CacheSize"/> and the number of awaited messages may be together: half of the ids, so that free ones are found at once.</summary>
    public const int MaxMessages = 32_768;

    private readonly Dictionary<ushort, CachedMessage> _byId = [];
    private readonly Dictionary<ContentHash, CachedMessage> _byHash = [];
    private readonly LinkedList<CachedMessage> _valid = new();
    private readonly LinkedList<CachedMessage> _awaited = new();
    private readonly int _maxAwaited;
    private ushort _next;

    /// <summary>An empty cache.</summary>
    /// <param name="cacheSize">Valid messages; at least 1.</param>
    /// <param name="maxAwaited">Messages that await a verdict; at least 1.</param>
    public GossipMessageCache(int cacheSize = 30, int maxAwaited = 256)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cacheSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxAwaited, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cacheSize + maxAwaited, MaxMessages, nameof(cacheSize));
        (CacheSize, _maxAwaited) = (cacheSize, maxAwaited);
    }

    /// <summary>Valid messages that are kept at most.</summary>
    public int CacheSize { get; }

    /// <summary>Messages now.</summary>
    public int Count => _byId.Count;

    /// <summary>Adds a message, unless the same type and data are there.</summary>
    /// <param name="dataType">What the data is.</param>
    /// <param name="data">The data; kept, not copied.</param>
    /// <param name="isValid">Whether nobody needs to judge it any more.</param>
    /// <param name="evicted">The message that made room, or null.</param>
    /// <returns>The message, or null when it is a duplicate.</returns>
    public CachedMessage? AddMessage(ushort dataType, ReadOnlyMemory<byte> data, bool isValid, out CachedMessage? evicted)
    {
        evicted = null;
        var hash = ContentHash.Of(dataType, data.Span);
        if (_byHash.ContainsKey(hash)) return null;
        while (_byId.ContainsKey(_next)) _next++;
        var message = new CachedMessage(_next++, dataType, data, hash) { IsValid = isValid };
        _byId.Add(message.Id, message);
        _byHash.Add(hash, message);
        message.Place = PartOf(message).AddLast(message);
        evicted = MakeRoom(isValid);
        return message;
    }

    /// <summary>The message of an id, or null.</summary>
    public CachedMessage? GetMessage(ushort id) => _byId.GetValueOrDefault(id);

    /// <summary>The message of the same content, or null.</summary>
    public CachedMessage? Find(ContentHash hash) => _byHash.GetValueOrDefault(hash);

    /// <summary>Whether the message of an id is there and valid.</summary>
    public bool IsValid(ushort id) => GetMessage(id) is { IsValid: true };

    /// <summary>Makes a message valid, which counts as its arrival, or invalid again.</summary>
    /// <param name="id">Whose.</param>
    /// <param name="isValid">What it is from now on.</param>
    /// <param name="evicted">The message that made room, or null.</param>
    /// <returns>False when there is no message of that id.</returns>
    public bool SetValidity(ushort id, bool isValid, out CachedMessage? evicted)
    {
        evicted = null;
        if (GetMessage(id) is not { } message) return false;
        if (message.IsValid == isValid) return true;
        PartOf(message).Remove(message.Place);
        message.IsValid = isValid;
        PartOf(message).AddLast(message.Place);
        evicted = MakeRoom(isValid);
        return true;
    }

    /// <summary>Takes a message out.</summary>
    /// <returns>The message, or null when there is none of that id.</returns>
    public CachedMessage? RemoveMessage(ushort id)
    {
        if (!_byId.Remove(id, out var message)) return null;
        _byHash.Remove(message.Hash);
        PartOf(message).Remove(message.Place);
        return message;
    }

    /// <summary>The valid messages, the oldest first, then those that await a verdict, the oldest first.</summary>
    public IEnumerator<CachedMessage> GetEnumerator() => _valid.Concat(_awaited).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private LinkedList<CachedMessage> PartOf(CachedMessage message) => message.IsValid ? _valid : _awaited;

    private CachedMessage? MakeRoom(bool isValid)
    {
        var (part, limit) = isValid ? (_valid, CacheSize) : (_awaited, _maxAwaited);
        return part.Count > limit ? RemoveMessage(part.First!.Value.Id) : null;
    }
}
