namespace Starling.Net.Transport;

/// <summary>One address to dial and who must answer there; null accepts whoever answers.</summary>
internal readonly record struct DialTarget(Multiaddr Address, PeerId? Expected);

/// <summary>Why an address did not lead to a link.</summary>
internal readonly record struct DialError(Multiaddr Address, HandshakeException Why);

/// <summary>What became of looking up the name in an address; an address without one stands for itself.</summary>
internal readonly record struct Lookup(Multiaddr Address, IReadOnlyList<Multiaddr> Found, HandshakeException? Error);

/// <summary>Makes of the addresses of one peer what is dialled: names resolved, duplicates and refused ones gone.</summary>
internal sealed class DialPlanner(IReadOnlyList<ITransport> transports, PeerId localPeer, DialerOptions options, TimeProvider clock)
{
    /// <summary>Says why an address that was found behind a name may not be dialled, or null.</summary>
    public Func<PeerId?, Multiaddr, string?> RefuseResolved { get; set; } = static (_, _) => null;

    /// <summary>Starts the lookups. Addresses without a name are there at once, in their order.</summary>
    public DialTargets Plan(PeerId? expected, IReadOnlyList<Multiaddr> addresses, ICollection<DialError> errors, CancellationToken cancellationToken)
    {
        var targets = new DialTargets(this, expected, options.MaxAddresses, errors);
        foreach (var address in addresses.Distinct().Take(options.MaxAddresses)) targets.Add(ResolveAsync(address, cancellationToken));
        return targets;
    }

    /// <summary>The given order, but IPv6 and everything else in turn, beginning with the family of the first.</summary>
    internal static IEnumerable<DialTarget> Interleave(IEnumerable<DialTarget> targets)
    {
        var families = targets.GroupBy(t => t.Address.Components[0].Protocol is "ip6" or "ip6zone").Select(g => g.ToList()).ToList();
        for (var i = 0; families.Any(f => i < f.Count); i++)
        {
            foreach (var family in families.Where(f => i < f.Count)) yield return family[i];
        }
    }

    internal HandshakeException? Refuse(Multiaddr address, PeerId? expected, bool isResolved)
    {
        if (expected is not null && address.PeerId is { } named && !named.Equals(expected))
            return new HandshakeException(HandshakeFailure.PeerIdMismatch, $"The address names {named}, not {expected}.");
        if (localPeer.Equals(expected ?? address.PeerId))
            return new HandshakeException(HandshakeFailure.SelfDial, "The address is of this very node.");
        if (address.Components.Any(c => c.Protocol == "dnsaddr"))
            return new HandshakeException(HandshakeFailure.UnsupportedAddress, "dnsaddr names cannot be resolved here; use the addresses that its TXT records list.");
        if (!transports.Any(t => t.CanDial(address)))
            return new HandshakeException(HandshakeFailure.UnsupportedAddress, "No transport of this node can dial it.");
        if (isResolved && RefuseResolved(expected ?? address.PeerId, address) is { } why)
            return new HandshakeException(HandshakeFailure.RefusedLocally, $"This node refuses it: {why}");
        return null;
    }

    private async Task<Lookup> ResolveAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(options.DialTimeout, clock, cancellationToken);
        try
        {
            return new Lookup(address, await TcpNames.ResolveAsync(address, options.Lookup, deadline.Token), null);
        }
        catch (OperationCanceledException e) when (deadline.IsOver)
        {
            return new Lookup(address, [], new HandshakeException(HandshakeFailure.TimedOut, $"The name {address.Host} was not resolved within {options.DialTimeout.TotalSeconds:0.#} s.", e));
        }
        catch (HandshakeException e)
        {
            return new Lookup(address, [], e);
        }
    }
}

/// <summary>The targets of one dial: those that wait to be tried, and the names that are still looked up. For one thread at a time.</summary>
internal sealed class DialTargets(DialPlanner planner, PeerId? expected, int max, ICollection<DialError> errors)
{
    private readonly HashSet<DialTarget> _seen = [];
    private readonly List<Task<Lookup>> _lookups = [];
    private List<DialTarget> _waiting = [];

    /// <summary>Whether a target waits to be tried.</summary>
    public bool HasNext => _waiting.Count > 0;

    /// <summary>The lookups that have not been admitted.</summary>
    public IReadOnlyList<Task<Lookup>> Lookups => _lookups;

    /// <summary>Takes a lookup on; one that has ended already is admitted at once.</summary>
    public void Add(Task<Lookup> lookup)
    {
        if (lookup.IsCompletedSuccessfully) Admit(lookup.GetAwaiter().GetResult());
        else _lookups.Add(lookup);
    }

    /// <summary>Admits the targets of a lookup that has ended.</summary>
    public async Task AdmitAsync(Task<Lookup> ended)
    {
        _lookups.Remove(ended);
        Admit(await ended);
    }

    /// <summary>The next target to try.</summary>
    public DialTarget Take()
    {
        var next = _waiting[0];
        _waiting.RemoveAt(0);
        return next;
    }

    private void Admit(Lookup lookup)
    {
        if (lookup.Error is not null) errors.Add(new DialError(lookup.Address, lookup.Error));
        foreach (var address in lookup.Found)
        {
            var target = new DialTarget(address, expected ?? address.PeerId);
            if (planner.Refuse(address, expected, isResolved: address != lookup.Address) is { } refusal) errors.Add(new DialError(address, refusal));
            else if (_seen.Count < max && _seen.Add(target)) _waiting.Add(target);
        }

        _waiting = [.. DialPlanner.Interleave(_waiting)];
    }
}
