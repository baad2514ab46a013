namespace Starling.Net.Discovery;

/// <summary>The kinds of discovery that can be chosen by name. Safe for several threads.</summary>
public sealed class DiscoveryRegistry
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Func<DiscoveryContext, IDiscovery>> _kinds = new(StringComparer.Ordinal);

    /// <summary>A registry that knows <c>bootstrap</c>, <c>mdns</c> and <c>ssdp</c>.</summary>
    public DiscoveryRegistry()
    {
        Register("bootstrap", static context => new BootstrapDiscovery(context));
        Register("mdns", static context => new MdnsDiscovery(context));
        Register("ssdp", static context => new SsdpDiscovery(context));
    }

    /// <summary>A registry that knows what another one knows now.</summary>
    public DiscoveryRegistry(DiscoveryRegistry other)
    {
        ArgumentNullException.ThrowIfNull(other);
        lock (other._gate)
        {
            foreach (var (name, create) in other._kinds) _kinds.Add(name, create);
        }
    }

    /// <summary>The names that can be chosen, in alphabetical order.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (_gate) return [.. _kinds.Keys];
        }
    }

    /// <summary>Makes a kind of discovery known under a name, in place of what had the name before.</summary>
    /// <param name="name">1 to 32 lowercase letters, digits and hyphens, because it is a metric tag and a configuration value.</param>
    /// <param name="create">Makes a stopped discovery with this very name; called once for each node that chooses it.</param>
    /// <exception cref="ArgumentException">The name is malformed.</exception>
    public void Register(string name, Func<DiscoveryContext, IDiscovery> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        if (name is not { Length: > 0 and <= 32 } || name.Any(letter => !char.IsAsciiLetterLower(letter) && !char.IsAsciiDigit(letter) && letter != '-'))
            throw new ArgumentException($"'{name}' cannot name a discovery: use 1 to 32 lowercase letters, digits and hyphens.", nameof(name));
        lock (_gate) _kinds[name] = create;
    }

    /// <summary>Checks that every name can be chosen.</summary>
    /// <exception cref="UnknownDiscoveryException">One is not known; the message lists what there is.</exception>
    public void Require(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        var known = Names;
        if (names.FirstOrDefault(one => !known.Contains(one)) is { } name) throw new UnknownDiscoveryException(name, known);
    }

    /// <summary>Makes a stopped discovery.</summary>
    /// <exception cref="UnknownDiscoveryException">Nothing has this name; the message lists what there is.</exception>
    public IDiscovery Create(string name, DiscoveryContext context)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(context);
        Func<DiscoveryContext, IDiscovery>? create;
        lock (_gate) _kinds.TryGetValue(name, out create);
        return create?.Invoke(context) ?? throw new UnknownDiscoveryException(name, Names);
    }
}

/// <summary>A discovery was chosen by a name that nothing has.</summary>
/// <param name="name">The name.</param>
/// <param name="known">The names there are.</param>
public sealed class UnknownDiscoveryException(string name, IReadOnlyList<string> known)
    : StarlingException($"There is no discovery '{name}'; choose from {string.Join(", ", known)}, or register one of your own.")
{
    /// <summary>The names that can be chosen.</summary>
    public IReadOnlyList<string> Known { get; } = known;
}
