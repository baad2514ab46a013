using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <content>Link control: what peers say about the link itself.</content>
public sealed partial class Swarm
{
    /// <summary>Messages of a peer that are taken at once.</summary>
    private const int ControlBurst = 64;

    /// <summary>What one message earns its peer back in time; a peer that says more is read more slowly.</summary>
    private static readonly TimeSpan ControlPace = TimeSpan.FromMilliseconds(50);

    /// <summary>Reads what the peer says about the link.</summary>
    private async Task ServeControlAsync(PeerLink link, IStream stream, CancellationToken cancellationToken)
    {
        stream.Priority = StreamPriority.Control;
        var earned = Clock.Now() - (ControlPace * ControlBurst);
        try
        {
            while (await stream.ReadLengthDelimitedAsync(LinkFrameCodec.MaxFrameLength, cancellationToken) is { } bytes)
            {
                if (!LinkFrameCodec.TryDecode(bytes, out var frame)) throw new ProtocolViolationException("A message of link control is no protobuf.");
                if (frame is LinkFrame.Goodbye goodbye)
                {
                    TakeGoodbye(link, goodbye);
                    return;
                }

                // Only a good-bye has a meaning on a link that is not ready yet.
                if (!await link.Ready.WaitAsync(cancellationToken)) return;
                var now = Clock.Now();
                var floor = now - (ControlPace * ControlBurst);
                earned = (earned > floor ? earned : floor) + ControlPace;
                if (earned > now) await WaitForPaceAsync(earned - now, cancellationToken);
                await HearAsync(link, frame, cancellationToken);
            }
        }
        catch (ProtocolViolationException error)
        {
            _metrics.Control(ControlOutcome.Broken);
            LinksLog.ControlRefused(_logger, link.Peer, error.Message);
            stream.Reset();
            await CloseAsync(link.Connection, new CloseInfo(CloseReason.ProtocolError, error.Message));
        }
    }

    private async Task WaitForPaceAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        _metrics.Control(ControlOutcome.Slowed);
        await Task.Delay(time, Clock, cancellationToken);
    }

    private async Task HearAsync(PeerLink link, LinkFrame frame, CancellationToken cancellationToken)
    {
        switch (frame)
        {
            case LinkFrame.Proposal or LinkFrame.Answer:
                await SpeakAsync(link, () => ReceiveKind(link, frame), cancellationToken);
                break;
            case LinkFrame.Readiness readiness:
                await RunAsync(() =>
                {
                    SetPeerReady(link, readiness.IsReady);
                    return true;
                });
                break;
            default:
                _metrics.Control(ControlOutcome.Unknown);
                return;
        }

        _metrics.Control(ControlOutcome.Heard);
    }

    /// <summary>Decides in the loop what to tell a peer, and tells it. A peer that does not take it loses the link, because the two ends could differ from then on.</summary>
    private async Task SpeakAsync(PeerLink link, Func<IReadOnlyList<LinkFrame>> decide, CancellationToken cancellationToken)
    {
        try
        {
            await link.Control.TakeTurnAsync(() => RunAsync(decide), cancellationToken);
        }
        catch (StarlingException error) when (error is not ProtocolViolationException)
        {
            if (link.Control.IsBroken) Abandon(link, error.Message);
        }
    }

    /// <summary>Closes a link whose peer hears nothing about it any more, unless it is about to end by itself, as that of a node that stops.</summary>
    private void Abandon(PeerLink link, string why)
    {
        if (!link.Control.TryAbandon()) return;
        _tasks.Run(async () =>
        {
            try
            {
                await link.Connection.Closed.WaitAsync(_options.CloseTimeout, Clock, _cutting.Token);
            }
            catch (Exception error) when (error is TimeoutException or OperationCanceledException)
            {
                await CloseAsync(link.Connection, new CloseInfo(CloseReason.ProtocolError, why));
            }
        });
    }

    /// <summary>Runs something in the loop and returns what it returned.</summary>
    /// <exception cref="StarlingException">The swarm has stopped.</exception>
    private async Task<T> RunAsync<T>(Func<T> what)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var posted = await PostAsync(() =>
        {
            try
            {
                done.SetResult(what());
            }
            catch (StarlingException error)
            {
                done.SetException(error);
            }
            catch (Exception error)
            {
                done.SetException(error);
                throw;
            }
        });
        if (!posted) throw new StarlingException("This node has stopped.");
        return await done.Task;
    }
}
