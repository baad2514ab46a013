namespace Starling.Net.Transport;

/// <summary>One address to dial and who must answer there; null accepts whoever answers.</summary>
internal readonly record struct DialTarget(Multiaddr Address, PeerId? Expected);

/// <summary>Why an address did not lead to a link.</summary>
internal readonly record struct DialError(Multiaddr Address, HandshakeException Why);

/// <summary>Makes of the addresses of one peer the list in which they are dialled: names resolved, duplicates gone, families in turn.</summary>
internal sealed class DialPlanner(IReadOnlyList<ITransport> transports, PeerId localPeer, DialerOptions options, TimeProvider clock)
{
    public async Task<List<DialTarget>> PlanAsync(
        PeerId? expected, IReadOnlyList<Multiaddr> addresses, ICollection<DialError> errors, CancellationToken cancellationToken)
    {
        var resolved = await Task.WhenAll(addresses.Distinct().Take(options.MaxAddresses).Select(a => ResolveAsync(a, cancellationToken)));
        var targets = new List<DialTarget>();
        foreach (var (address, found, error) in resolved)
        {
            if (error is not null) errors.Add(new DialError(address, error));
            foreach (var target in found)
            {
                if (Refuse(target, expected) is { } refusal) errors.Add(new DialError(target, refusal));
                else targets.Add(new DialTarget(target, expected ?? target.PeerId));
            }
        }

        return [.. Interleave(targets.Distinct()).Take(options.MaxAddresses)];
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

    private HandshakeException? Refuse(Multiaddr address, PeerId? expected)
    {
        if (expected is not null && address.PeerId is { } named && !named.Equals(expected))
            return new HandshakeException(HandshakeFailure.PeerIdMismatch, $"The address names {named}, not {expected}.");
        if (localPeer.Equals(expected ?? address.PeerId))
            return new HandshakeException(HandshakeFailure.SelfDial, "The address is of this very node.");
        if (address.Components.Any(c => c.Protocol == "dnsaddr"))
            return new HandshakeException(HandshakeFailure.UnsupportedAddress, "dnsaddr names cannot be resolved here; use the addresses that its TXT records list.");
        if (!transports.Any(t => t.CanDial(address)))
            return new HandshakeException(HandshakeFailure.UnsupportedAddress, "No transport of this node can dial it.");
        return null;
    }

    private async Task<(Multiaddr Address, IReadOnlyList<Multiaddr> Found, HandshakeException? Error)> ResolveAsync(
        Multiaddr address, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(options.DialTimeout, clock, cancellationToken);
        try
        {
            return (address, await TcpNames.ResolveAsync(address, options.Lookup, deadline.Token), null);
        }
        catch (OperationCanceledException e) when (deadline.IsOver)
        {
            return (address, [], new HandshakeException(HandshakeFailure.TimedOut, $"The name {address.Host} was not resolved within {options.DialTimeout.TotalSeconds:0.#} s.", e));
        }
        catch (HandshakeException e)
        {
            return (address, [], e);
        }
    }
}
