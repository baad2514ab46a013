namespace Starling.Gateways.Gossip;

/// <summary>Which client wants to be told of which type of data. Not safe for several threads.</summary>
/// <param name="limit">Registrations of all clients together; about 100 bytes each.</param>
public sealed class RegistrationTable(int limit)
{
    private readonly Dictionary<ushort, SortedSet<long>> _clients = [];
    private readonly Dictionary<long, HashSet<ushort>> _types = [];

    /// <summary>Registrations of all clients.</summary>
    public int Count { get; private set; }

    /// <summary>The types that some client is registered for.</summary>
    public IReadOnlyCollection<ushort> Types => _clients.Keys;

    /// <summary>Registers a client for a type.</summary>
    /// <returns>False when it is registered already, or <see cref="IsFull"/>.</returns>
    public bool Register(long client, ushort type)
    {
        if (IsRegistered(client, type) || IsFull) return false;
        if (!_clients.TryGetValue(type, out var clients)) _clients.Add(type, clients = []);
        if (!_types.TryGetValue(client, out var types)) _types.Add(client, types = []);
        clients.Add(client);
        types.Add(type);
        Count++;
        return true;
    }

    /// <summary>Whether there are as many registrations as may be.</summary>
    public bool IsFull => Count >= limit;

    /// <summary>Ends one registration.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Unregister(long client, ushort type)
    {
        if (!_types.TryGetValue(client, out var types) || !types.Remove(type)) return false;
        if (types.Count == 0) _types.Remove(client);
        var clients = _clients[type];
        clients.Remove(client);
        if (clients.Count == 0) _clients.Remove(type);
        Count--;
        return true;
    }

    /// <summary>Ends all registrations of a client.</summary>
    public void Unregister(long client)
    {
        foreach (var type in _types.GetValueOrDefault(client)?.ToArray() ?? []) Unregister(client, type);
    }

    /// <summary>Whether some client is registered for the type.</summary>
    public bool IsRegistered(ushort type) => _clients.ContainsKey(type);

    /// <summary>Whether the client is registered for the type.</summary>
    public bool IsRegistered(long client, ushort type) => _types.TryGetValue(client, out var types) && types.Contains(type);

    /// <summary>The clients that are registered for a type, the oldest connection first.</summary>
    public IReadOnlyCollection<long> GetRegistrations(ushort type) => _clients.TryGetValue(type, out var clients) ? clients : [];
}
