using Starling.Net.Transport;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <content>Kinds of links: agreed with the other end.</content>
public sealed partial class Swarm
{
    /// <summary>Makes a link direct or transient, together with the other end; returns when both are agreed.</summary>
    /// <remarks>Does nothing when the link is of that kind already. Requests of both ends at once are settled one after the other, in the same order at both.</remarks>
    /// <param name="link">A ready link of this swarm.</param>
    /// <param name="kind">What it is to be.</param>
    /// <param name="cancellationToken">Ends the wait. A request that was sent is not taken back: its answer still counts, and observers are told.</param>
    /// <exception cref="LinkKindRefusedException">A gate of this side or of the other refuses, or the peer knows no kinds: its link stays direct.</exception>
    /// <exception cref="ConnectionClosedException">The link has ended.</exception>
    /// <exception cref="StarlingException">The peer does not answer within <see cref="SwarmOptions.NegotiationTimeout"/>.</exception>
    public async Task SetKindAsync(PeerLink link, LinkKind kind, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(link);
        using var deadline = new Deadline(_options.NegotiationTimeout, Clock, cancellationToken);
        try
        {
            while (await ProposeAsync(link, kind, deadline.Token) is { } open)
            {
                var answer = await open.Answer.WaitAsync(deadline.Token);
                if (!open.IsOurs) continue;
                if (answer is null) return;
                throw new LinkKindRefusedException($"{link.Peer} refuses to make the link {Name(kind)}: {answer}", byRemote: true);
            }
        }
        catch (OperationCanceledException) when (deadline.IsOver)
        {
            throw new StarlingException($"{link.Peer} did not answer within {_options.NegotiationTimeout.TotalSeconds:0.#} s whether the link may be {Name(kind)}.");
        }
    }

    private static string Name(LinkKind kind) => kind == LinkKind.Direct ? "direct" : "transient";

    /// <summary>Sends the proposal, or finds another one under way; null when there is nothing to propose.</summary>
    private async Task<(Task<string?> Answer, bool IsOurs)?> ProposeAsync(PeerLink link, LinkKind kind, CancellationToken cancellationToken)
    {
        (Task<string?>, bool)? open = null;
        try
        {
            await link.Control.TakeTurnAsync(Decide, cancellationToken);
        }
        catch (StarlingException error) when (link.Control.IsBroken)
        {
            Abandon(link, error.Message);
            throw;
        }

        return open;

        Task<IReadOnlyList<LinkFrame>> Decide() => RunAsync<IReadOnlyList<LinkFrame>>(() =>
        {
            if (_ready.GetValueOrDefault(link.Peer) != link) throw new ConnectionClosedException(new CloseInfo(CloseReason.LocalClose, $"There is no ready link to {link.Peer}."));
            if (link.Control.Answer is { } other)
            {
                open = (other.Task, false);
                return [];
            }

            if (link.Kind == kind) return [];
            if (link.Control.Kinds is not { } kinds) throw new LinkKindRefusedException($"{link.Peer} does not know kinds of links; its link stays direct.", byRemote: true);
            if (RefuseKind(link, kind) is { } refusal) throw new LinkKindRefusedException($"This node refuses to make the link to {link.Peer} {Name(kind)}: {refusal.Detail}", byRemote: false);
            link.Control.Answer = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
            open = (link.Control.Answer.Task, true);
            List<LinkKindEffect> effects = [];
            kinds.Propose(kind, effects);
            return CarryOut(link, effects);
        });
    }

    private LinkRefusal? RefuseKind(PeerLink link, LinkKind kind) =>
        Ask("kind", link.Peer, link.Connection.RemoteAddress, gate => gate.RefuseKind(link.Peer, kind));

    /// <summary>The peer said something about the kind. In the loop.</summary>
    private List<LinkFrame> ReceiveKind(PeerLink link, LinkFrame frame)
    {
        List<LinkKindEffect> effects = [];
        if (link.Control.Kinds is { } kinds && _ready.GetValueOrDefault(link.Peer) == link
            && !kinds.Receive(frame, kind => RefuseKind(link, kind)?.Detail, effects))
        {
            throw new ProtocolViolationException("A proposal or an answer about the link's kind came out of turn.");
        }

        return CarryOut(link, effects);
    }

    private List<LinkFrame> CarryOut(PeerLink link, List<LinkKindEffect> effects)
    {
        List<LinkFrame> frames = [];
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case LinkKindEffect.Send send:
                    frames.Add(send.Frame);
                    break;
                case LinkKindEffect.Changed changed:
                    OnKindChanged(link, changed.Kind);
                    break;
                case LinkKindEffect.Answered answered:
                    link.Control.Answer?.TrySetResult(answered.Accepted ? null : answered.Text);
                    link.Control.Answer = null;
                    break;
            }
        }

        return frames;
    }

    private void OnKindChanged(PeerLink link, LinkKind kind)
    {
        link.Kind = kind;
        LinksLog.KindChanged(_logger, link.Peer, kind);
        foreach (var observer in _observers) Tell(observer, each => each.OnKindChanged(link));
        PulseReadiness();
    }

    /// <summary>Direct wins: a request for a direct link is not content with a transient one that was there or came first.</summary>
    private async Task<IPeerLink> AtLeastAsync(PeerLink link, LinkKind wanted, CancellationToken cancellationToken)
    {
        if (wanted != LinkKind.Direct || link.Kind == LinkKind.Direct) return link;
        try
        {
            await SetKindAsync(link, LinkKind.Direct, cancellationToken);
            return link;
        }
        catch (LinkKindRefusedException error)
        {
            throw new HandshakeException(error.ByRemote ? HandshakeFailure.RefusedByRemote : HandshakeFailure.RefusedLocally, $"{error.Message} The transient link stays.", error);
        }
        catch (ConnectionClosedException error)
        {
            throw new HandshakeException(HandshakeFailure.Disconnected, $"The transient link to {link.Peer} ended before it was direct.", error);
        }
    }
}
