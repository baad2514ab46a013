using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <content>Requests to connect.</content>
public sealed partial class Swarm
{
    private long _lastId;

    /// <inheritdoc/>
    /// <remarks>The link is ready when it returns: the peer has judged our certificate and answered identify. When both
    /// ends dial at once, every request ends with the one link that is kept.</remarks>
    /// <exception cref="ArgumentException">There is no address, or an address names another peer.</exception>
    public Task<IPeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default) =>
        ConnectAsync(peer, addresses, LinkKind.Direct, cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There is no address, or an address names another peer.</exception>
    public async Task<IPeerLink> ConnectAsync(PeerId? peer, IReadOnlyList<Multiaddr> addresses, LinkKind kind, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        var expected = peer ?? addresses.Select(address => address.PeerId).FirstOrDefault(id => id is not null);
        if (addresses.FirstOrDefault(address => address.PeerId is { } id && !id.Equals(expected)) is { } other)
        {
            throw new ArgumentException($"{other} names another peer than {expected}; connect to one peer at a time.", nameof(addresses));
        }

        var firstUse = expected is null;
        expected ??= _pins.Find(addresses);
        if (expected is not null && FindLink(expected) is { } ready)
        {
            if (!ready.Connection.Closed.IsCompleted) return await AtLeastAsync(ready, kind, cancellationToken);
            await ready.Gone.WaitAsync(cancellationToken);
        }

        if (addresses.Count == 0) throw new ArgumentException($"There is no address of {expected?.ToString() ?? "the peer"} to dial; give at least one.", nameof(addresses));
        cancellationToken.ThrowIfCancellationRequested();

        using var activity = LinkActivities.Dial(expected, addresses);
        using var request = new DialRequest(new DialId(Interlocked.Increment(ref _lastId)), expected, addresses)
        {
            FirstUse = firstUse,
            Kind = kind,
        };
        var posted = await PostAsync(() =>
        {
            _requests.Add(request.Id, request);
            _core.DialStarted(request.Id, request.Expected, _effects);
        });
        if (!posted) throw new HandshakeException(HandshakeFailure.RefusedLocally, "This node has stopped.");
        try
        {
            return await AtLeastAsync(await request.Outcome.Task.WaitAsync(cancellationToken), kind, cancellationToken);
        }
        catch (HandshakeException error)
        {
            activity.Fail(error.Message);
            throw;
        }
        catch (OperationCanceledException)
        {
            activity.Fail("cancelled");
            await PostAsync(() =>
            {
                if (_requests.Remove(request.Id)) _core.DialCancelled(request.Id, _effects);
            });
            throw;
        }
        finally
        {
            await request.Cancelled.CancelAsync();
        }
    }

    /// <summary>Is told, from the loop, who answered first at an address that names nobody; must return at once and not throw. Null tells nobody.</summary>
    public Action<Multiaddr, PeerId>? Pinned { get; set; }

    /// <summary>Holds an address that names nobody to the peer that answered at it in an earlier run. An address that is held already stays so.</summary>
    public void Pin(Multiaddr address, PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(peer);
        _pins.Add(address, peer);
    }

    private async Task DialAsync(DialRequest request)
    {
        HandshakeException failure;
        try
        {
            var connection = await _wiring.Dial(request.Expected, Permitted(request.Expected, request.Addresses), request.Token);
            await AddLinkAsync(connection, request);
            return;
        }
        catch (OperationCanceledException) when (request.Token.IsCancellationRequested)
        {
            return;
        }
        catch (HandshakeException error)
        {
            failure = error;
        }
        catch (StarlingException error)
        {
            failure = new HandshakeException(HandshakeFailure.TransportFailed, error.Message, error);
        }
        catch (Exception error)
        {
            LinksLog.TaskFault(_logger, error);
            failure = new HandshakeException(HandshakeFailure.TransportFailed, $"The dial failed within this program: {error.Message}", error);
        }

        request.Cause = failure;
        await PostAsync(() => _core.DialFailed(request.Id, failure.Failure, failure.Message, _effects));
    }

    private void Complete(DialRequest request, PeerLink link)
    {
        if (request.FirstUse)
        {
            foreach (var address in request.Addresses)
            {
                if (request.Addresses.Count > 1 && !address.Equals(link.Connection.RemoteAddress)) continue;
                _pins.Add(address, link.Peer);
                Pinned?.Invoke(address, link.Peer);
            }
        }

        link.Asked(request.Addresses);
        _metrics.Dialled(null);
        request.Outcome.TrySetResult(link);
    }

    private void Fail(DialRequest request, HandshakeFailure failure, string message)
    {
        if (request.FirstUse && request.Expected is { } pinned && failure == HandshakeFailure.PeerIdMismatch)
        {
            message += $" The address names no peer, and {pinned} answered at it before. If the change is meant, connect with the new peer id, or remove the old one from the peer book and restart this node.";
        }

        var target = request.Expected?.ToString() ?? string.Join(", ", request.Addresses);
        LinksLog.DialFailed(_logger, target, failure, message);
        _metrics.Dialled(failure);
        request.Outcome.TrySetException(new HandshakeException(failure, message, request.Cause));
        _ = request.Outcome.Task.Exception; // Observed, also when the one who asked has been cancelled meanwhile.
    }

    private sealed class DialRequest : IDisposable
    {
        public DialRequest(DialId id, PeerId? expected, IReadOnlyList<Multiaddr> addresses)
        {
            (Id, Expected, Addresses) = (id, expected, addresses);
            Token = Cancelled.Token;
        }

        public DialId Id { get; }

        public PeerId? Expected { get; }

        public IReadOnlyList<Multiaddr> Addresses { get; }

        public bool FirstUse { get; init; }

        public LinkKind Kind { get; init; }

        public Exception? Cause { get; set; }

        public CancellationTokenSource Cancelled { get; } = new();

        /// <summary>Outlives its source, which is disposed when the request has ended.</summary>
        public CancellationToken Token { get; }

        public TaskCompletionSource<PeerLink> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Dispose() => Cancelled.Dispose();
    }
}
