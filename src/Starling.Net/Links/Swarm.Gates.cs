namespace Starling.Net.Links;

/// <content>Gates: what says which links may be.</content>
public sealed partial class Swarm
{
    private readonly Lock _gatesGate = new();
    private volatile ILinkGate[] _gates = [];

    /// <summary>Asks one more gate before links are made and accepted. Gates are asked in the order in which they were added; the first refusal counts.</summary>
    /// <remarks>Links that are ready already stay. A gate that throws refuses.</remarks>
    /// <returns>Disposing it asks the gate no longer.</returns>
    public IDisposable AddGate(ILinkGate gate)
    {
        ArgumentNullException.ThrowIfNull(gate);
        lock (_gatesGate) _gates = [.. _gates, gate];
        return new GateRegistration(this, gate);
    }

    /// <summary>Asks the gates whether an address may be dialled; for diallers that find addresses of their own, such as those behind a name.</summary>
    /// <returns>The refusal, which is counted and logged, or null.</returns>
    public LinkRefusal? RefuseDial(PeerId? peer, Multiaddr address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Ask("dial", peer, address, gate => gate.RefuseDial(peer, address));
    }

    private LinkRefusal? RefuseAccept(Multiaddr remote) => Ask("accept", null, remote, gate => gate.RefuseAccept(remote));

    private LinkRefusal? RefuseLink(IConnection connection) =>
        Ask("link", connection.RemotePeer, connection.RemoteAddress, gate => gate.RefuseLink(connection.RemotePeer, connection.RemoteAddress, connection.Direction));

    private LinkRefusal? Ask(string point, PeerId? peer, Multiaddr address, Func<ILinkGate, LinkRefusal?> question)
    {
        foreach (var gate in _gates)
        {
            LinkRefusal? refusal;
            try
            {
                refusal = question(gate);
            }
            catch (Exception error)
            {
                LinksLog.GateFailed(_logger, error);
                refusal = new LinkRefusal(CloseReason.InternalError, $"A gate of this node failed: {error.Message}");
            }

            if (refusal is null) continue;
            _metrics.Refused(point, refusal.Reason);
            LinksLog.GateRefused(_logger, point, peer, address, refusal.Reason, refusal.Detail);
            return refusal;
        }

        return null;
    }

    /// <summary>The addresses that may be dialled.</summary>
    /// <exception cref="HandshakeException">None may.</exception>
    private IReadOnlyList<Multiaddr> Permitted(PeerId? expected, IReadOnlyList<Multiaddr> addresses)
    {
        if (_gates.Length == 0) return addresses;
        LinkRefusal? first = null;
        var permitted = new List<Multiaddr>(addresses.Count);
        foreach (var address in addresses)
        {
            if (RefuseDial(expected ?? address.PeerId, address) is not { } refusal) permitted.Add(address);
            else first ??= refusal;
        }

        if (permitted.Count > 0) return permitted;
        throw new HandshakeException(HandshakeFailure.RefusedLocally, $"This node refuses to connect to {expected?.ToString() ?? string.Join(", ", addresses)} ({first!.Reason}): {first.Detail}");
    }

    private sealed class GateRegistration(Swarm swarm, ILinkGate gate) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
            lock (swarm._gatesGate)
            {
                var left = swarm._gates.ToList();
                left.Remove(gate);
                swarm._gates = [.. left];
            }
        }
    }
}
