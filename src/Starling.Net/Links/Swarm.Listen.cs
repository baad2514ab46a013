namespace Starling.Net.Links;

/// <content>Listeners and their accept loops.</content>
public sealed partial class Swarm
{
    private readonly Lock _listenGate = new();
    private readonly List<ITransportListener> _listeners = [];

    /// <inheritdoc/>
    public IReadOnlyList<Multiaddr> ListenAddresses
    {
        get { lock (_listenGate) return [.. _listeners.SelectMany(listener => listener.Addresses)]; }
    }

    /// <summary>The addresses that peers are told, without peer id.</summary>
    public IReadOnlyList<Multiaddr> AnnouncedAddresses => _options.Announce?.Invoke(ListenAddresses) ?? ListenAddresses;

    /// <summary>Tells linked peers the addresses anew, as after a change of the network.</summary>
    public void AddressesChanged() => OnDescriptionChanged();

    /// <summary>Listens on one more address; links are accepted from the moment this returns.</summary>
    /// <returns>The addresses that really accept, without peer id.</returns>
    /// <exception cref="StarlingException">No transport here can listen on it, or it cannot be bound.</exception>
    public async Task<IReadOnlyList<Multiaddr>> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var transport = _wiring.Transports.FirstOrDefault(each => each.CanListen(address))
            ?? throw new StarlingException($"No transport here can listen on {address}; use an address such as /ip4/127.0.0.1/tcp/0.");
        var listener = await transport.ListenAsync(address, cancellationToken);
        lock (_listenGate)
        {
            if (!_stopping.IsCancellationRequested)
            {
                _listeners.Add(listener);
                _tasks.Run(() => AcceptAsync(listener));
            }
        }

        if (_stopping.IsCancellationRequested)
        {
            await listener.DisposeAsync();
            throw new StarlingException("This node is stopping.");
        }

        foreach (var bound in listener.Addresses) LinksLog.Listening(_logger, LocalPeer, bound);
        OnDescriptionChanged();
        return listener.Addresses;
    }

    private async Task AcceptAsync(ITransportListener listener)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                if (await listener.AcceptAsync(_stopping.Token) is not { } raw) break;
                _tasks.Run(() => UpgradeAsync(raw));
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                _metrics.Accepted("listener_failed");
                LinksLog.AcceptFailed(_logger, string.Join(", ", listener.Addresses), error);
                await PauseAsync(_options.AcceptRetryDelay);
            }
        }

        if (!_stopping.IsCancellationRequested) LinksLog.ListenerEnded(_logger, string.Join(", ", listener.Addresses));
    }

    private async Task UpgradeAsync(RawConnection raw)
    {
        if (RefuseAccept(raw.RemoteAddress) is not null)
        {
            _metrics.Accepted("refused");
            await raw.DisposeAsync();
            return;
        }

        try
        {
            var connection = await _wiring.Upgrade(raw, _stopping.Token);
            _metrics.Accepted("secured");
            await AddLinkAsync(connection, null);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            _metrics.Accepted("stopping");
        }
        catch (Exception error) when (error is StarlingException or IOException)
        {
            _metrics.Accepted(error is HandshakeException { Failure: var failure } ? failure.ToString() : "failed");
            LinksLog.UpgradeFailed(_logger, raw.RemoteAddress, error);
        }
    }

    private async Task CloseListenersAsync()
    {
        ITransportListener[] open;
        lock (_listenGate)
        {
            open = [.. _listeners];
            _listeners.Clear();
        }

        foreach (var listener in open) await listener.DisposeAsync();
    }

    /// <summary>Waits, or until the swarm stops.</summary>
    private async Task PauseAsync(TimeSpan time) =>
        await Task.Delay(time, Clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
