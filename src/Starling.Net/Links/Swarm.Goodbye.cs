using Starling.Net.Transport;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <content>Good-byes: the other side learns why a link is closed.</content>
public sealed partial class Swarm
{
    /// <summary>Good-byes under way to links that were never admitted. Further strangers are cut without one, so that they cannot pile up here.</summary>
    private const int MaxStrangersTold = 64;

    private int _strangersTold;

    /// <summary>Tells the peer why, if it is to know, and closes.</summary>
    private async Task PartAsync(PeerLink link, CloseInfo why)
    {
        if (!link.ClosesSilently && LinkFrameCodec.IsTold(why.Reason) && (!link.IsIdentified || link.Speaks(LinkFrameCodec.Protocol)))
        {
            await SayGoodbyeAsync(link.Connection, why);
        }

        await CloseAsync(link.Connection, why);
    }

    /// <summary>Turns a link away before anything is known of it.</summary>
    private async Task TurnAwayAsync(IConnection connection, CloseInfo why)
    {
        try
        {
            if (Interlocked.Increment(ref _strangersTold) <= MaxStrangersTold) await SayGoodbyeAsync(connection, why);
        }
        finally
        {
            Interlocked.Decrement(ref _strangersTold);
        }

        await CloseAsync(connection, why);
    }

    /// <summary>Sends a good-bye and waits until the peer has taken it, for a bounded time and no longer than the link lives.</summary>
    private async Task SayGoodbyeAsync(IConnection connection, CloseInfo why)
    {
        using var deadline = new Deadline(_options.GoodbyeTimeout, Clock, _cutting.Token);
        try
        {
            var raw = await connection.OpenStreamAsync(deadline.Token);
            raw.Priority = StreamPriority.Control;
            await using var stream = await MultistreamSelect.OpenAsync(raw, [LinkFrameCodec.Protocol], lazy: true, _options.GoodbyeTimeout, Clock, deadline.Token);
            await stream.WriteLengthDelimitedAsync(LinkFrameCodec.Encode(new LinkFrame.Goodbye(why.Reason, why.Detail)), deadline.Token);
            await stream.CloseWriteAsync(deadline.Token);
            await stream.ReadAsync(new byte[1], deadline.Token);
            _metrics.Control(ControlOutcome.GoodbyeTaken);
        }
        catch (Exception error) when (error is StarlingException or IOException or TimeoutException or OperationCanceledException)
        {
            _metrics.Control(ControlOutcome.GoodbyeMissed);
            LinksLog.GoodbyeMissed(_logger, connection.RemotePeer, error.Message);
        }
    }

    /// <summary>The peer is about to close; it is trusted to do so for as long as this side's own closes may take.</summary>
    private void TakeGoodbye(PeerLink link, LinkFrame.Goodbye goodbye)
    {
        link.Goodbye ??= goodbye;
        _metrics.Control(ControlOutcome.Goodbye);
        _tasks.Run(async () =>
        {
            try
            {
                await link.Connection.Closed.WaitAsync(_options.CloseTimeout, Clock, _cutting.Token);
            }
            catch (Exception error) when (error is TimeoutException or OperationCanceledException)
            {
                await CloseAsync(link.Connection, Explain(link, new CloseInfo(CloseReason.RemoteClose)));
            }
        });
    }

    /// <summary>How the link ended, with the reason that the peer gave for it.</summary>
    private static CloseInfo Explain(PeerLink link, CloseInfo why)
    {
        if (link.Goodbye is not { } goodbye || why.Reason is not (CloseReason.RemoteClose or CloseReason.EndOfStream or CloseReason.TransportError)) return why;
        return new CloseInfo(CloseReason.RemoteClose, goodbye.Text, why.Cause, goodbye.Reason);
    }
}
