using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <content>Kinds: who handles them, and which of them are relayed.</content>
public sealed partial class SpreadService
{
    private readonly Dictionary<uint, SpreadRegistration> _registered = [];
    private readonly Dictionary<uint, bool> _relayed = [];
    private readonly HashSet<uint> _changedKinds = [];
    private bool _relay;
    private bool _relayUnknown;
    private bool _keepsItems;

    /// <summary>Whether this node hands on what others send; changed live. It receives, delivers and publishes in any case.</summary>
    public bool Relay
    {
        get
        {
            lock (_gate) return _relay;
        }

        set
        {
            lock (_gate) _relay = value;
            Wake();
        }
    }

    /// <summary>Whether this node hands on kinds that nobody registered here; changed live. Begins as <see cref="SpreadOptions.RelayUnknownKinds"/>.</summary>
    public bool RelayUnknownKinds
    {
        get
        {
            lock (_gate) return _relayUnknown;
        }

        set
        {
            lock (_gate) _relayUnknown = value;
            Wake();
        }
    }

    /// <summary>Whether this node keeps items for neighbours to come, where their kind asks for it; changed live, for items from then on. Begins with true.</summary>
    public bool KeepsItems
    {
        get
        {
            lock (_gate) return _keepsItems;
        }

        set
        {
            lock (_gate) _keepsItems = value;
            Wake();
        }
    }

    /// <summary>The kinds for which <see cref="SetRelay"/> has chosen, and what.</summary>
    public IReadOnlyDictionary<uint, bool> RelayChoices
    {
        get
        {
            lock (_gate) return new Dictionary<uint, bool>(_relayed);
        }
    }

    /// <summary>The kinds that are registered now.</summary>
    public IReadOnlyList<SpreadKind> Kinds
    {
        get
        {
            lock (_gate) return [.. _registered.Values.Select(one => one.Kind)];
        }
    }

    /// <summary>Takes the items of a kind from now on. Disposing ends that.</summary>
    /// <exception cref="ArgumentException">A value of the kind is out of range.</exception>
    /// <exception cref="InvalidOperationException">The number is registered already, or there are as many kinds as may be (<see cref="SpreadOptions.MaxKinds"/>).</exception>
    public IDisposable Register(SpreadKind kind, SpreadHandlers handlers)
    {
        ArgumentNullException.ThrowIfNull(kind);
        ArgumentNullException.ThrowIfNull(handlers);
        kind.Check();
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _stopping) != 0, this);
        lock (_gate)
        {
            if (_registered.TryGetValue(kind.Number, out var known)) throw new InvalidOperationException($"Kind {kind.Number} is registered already, as '{known.Kind.Name}'; dispose that registration first or choose another number.");
            CheckRoom(kind.Number);
            var registration = new SpreadRegistration(kind, handlers, this, Forget);
            _registered.Add(kind.Number, registration);
            _changedKinds.Add(kind.Number);
            _tasks.Run(registration.RunAsync);
            Wake();
            return registration;
        }
    }

    /// <summary>Chooses whether a kind is handed on, whatever its registration says, also one that nobody registered here; null leaves it to the registration again.</summary>
    /// <exception cref="InvalidOperationException">There are as many kinds as may be (<see cref="SpreadOptions.MaxKinds"/>).</exception>
    public void SetRelay(uint kind, bool? relay)
    {
        lock (_gate)
        {
            if (relay is { } chosen)
            {
                CheckRoom(kind);
                _relayed[kind] = chosen;
            }
            else
            {
                _relayed.Remove(kind);
            }

            _changedKinds.Add(kind);
        }

        Wake();
    }

    /// <summary>The registration of a kind, or null.</summary>
    internal SpreadRegistration? RegistrationOf(uint kind)
    {
        lock (_gate) return _registered.GetValueOrDefault(kind);
    }

    private void CheckRoom(uint kind)
    {
        if (_registered.ContainsKey(kind) || _relayed.ContainsKey(kind)) return;
        if (_registered.Keys.Union(_relayed.Keys).Count() >= Options.MaxKinds) throw new InvalidOperationException($"There are {Options.MaxKinds} kinds, the most that is allowed ({nameof(SpreadOptions.MaxKinds)}).");
    }

    private SpreadRules? RulesOf(uint kind)
    {
        var rules = _registered.TryGetValue(kind, out var registration) ? registration.Rules : null;
        return _relayed.TryGetValue(kind, out var relay) ? (rules ?? new SpreadRules()) with { Relay = relay } : rules;
    }

    private void Forget(SpreadRegistration registration)
    {
        lock (_gate)
        {
            if (_registered.GetValueOrDefault(registration.Kind.Number) != registration) return;
            _registered.Remove(registration.Kind.Number);
            _changedKinds.Add(registration.Kind.Number);
        }

        Wake();
    }

    private SpreadRegistration[] TakeRegistrations()
    {
        lock (_gate) return [.. _registered.Values];
    }
}
