using System.Net;
using System.Net.Sockets;

namespace Starling.Gateways.Gossip;

/// <content>Clients: accepted, served, parted from.</content>
public sealed partial class GossipApi
{
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(200);

    /// <summary>Does what a client's message asks for.</summary>
    internal async ValueTask<GossipCloseReason> HandleAsync(GossipClient client, GossipMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case GossipAnnounce announce:
                await AnnounceAsync(client, announce, cancellationToken).ConfigureAwait(false);
                return GossipCloseReason.None;
            case GossipNotify notify:
                var outcome = Turn(effects => _desk.Notify(client.Id, notify.DataType, effects));
                if (outcome == GossipCloseReason.None) _events.Raise(new GossipEvent.Registered(client.Id, notify.DataType));
                return outcome;
            case GossipValidation verdict:
                if (!Turn(effects => _desk.Validate(client.Id, verdict, effects))) Counters.Count(GossipCount.StaleVerdicts);
                return GossipCloseReason.None;
            default:
                return GossipCloseReason.WrongDirection;
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Serve(await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false));
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                Log.CameLate("a connection");
            }
            catch (SocketException error)
            {
                // Such as no free descriptors: the next attempt may find one.
                Log.AcceptFailed(error.Message);
                await Task.Delay(AcceptPause, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Serve(Socket socket)
    {
        if (_clients.Count >= Options.MaxClients)
        {
            _metrics.Closed(GossipCloseReason.TooManyClients);
            Log.Refused(0, GossipCloseReason.TooManyClients, 0);
            socket.Dispose();
            return;
        }

        EndPoint? from;
        try
        {
            socket.NoDelay = true;
            from = socket.RemoteEndPoint;
        }
        catch (SocketException)
        {
            // It has gone already.
            _metrics.Closed(GossipCloseReason.ConnectionLost);
            socket.Dispose();
            return;
        }

        var client = new GossipClient(++_lastClient, socket, this);
        lock (_gate) _desk.Connect(client.Id);
        var begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _clients[client.Id] = (client, ServeAsync(client, begin.Task));
        Log.Connected(client.Id);
        _events.Raise(new GossipEvent.ClientConnected(client.Id, from));
        begin.SetResult();
    }

    private async Task ServeAsync(GossipClient client, Task begin)
    {
        try
        {
            await begin.ConfigureAwait(false);
            await client.RunAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            client.Close(GossipCloseReason.Fault);
            Log.Faulted(client.Id, error);
        }
        finally
        {
            Turn(effects =>
            {
                _desk.Disconnect(client.Id, effects);
                return true;
            });
            _metrics.Closed(client.Reason);
            Counters.Count(GossipCount.NotificationsLost, client.Lost);
            if (client.Reason is GossipCloseReason.ClientClosed or GossipCloseReason.Stopped or GossipCloseReason.ConnectionLost) Log.Closed(client.Id, client.Reason);
            else Log.Refused(client.Id, client.Reason, client.Lost);
            _clients.TryRemove(client.Id, out _);
            _events.Raise(new GossipEvent.ClientClosed(client.Id, client.Reason, client.Lost));
            client.Dispose();
        }
    }
}
