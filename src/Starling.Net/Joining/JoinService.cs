using Microsoft.Extensions.Logging;
using Starling.Net.Discovery;
using Starling.Net.Links;
using Starling.Net.Requests;
using Starling.Protocols.Joining;

namespace Starling.Net.Joining;

/// <summary>Asks to be let in, and lets in: requests named <c>starling.join</c> on links that are transient until they are accepted.</summary>
/// <remarks>Every member is safe for several threads.</remarks>
public sealed partial class JoinService : IDisposable
{
    private readonly ILinkHost _host;
    private readonly Func<IPeerLink, LinkKind, CancellationToken, Task> _setKind;
    private readonly DiscoverySet _discovery;
    private readonly RequestService _requests;
    private readonly TimeProvider _clock;
    private readonly DiscoveryMetrics _metrics;
    private readonly Action<JoinRequest, JoinAnswer> _answered;
    private readonly ILogger _logger;
    private readonly IDisposable _serving;
    private JoinHandler? _handler;

    /// <summary>Answers peers that ask to join from now on.</summary>
    /// <param name="host">Where links come from.</param>
    /// <param name="setKind">Makes a link direct, in agreement with its other end.</param>
    /// <param name="discovery">Finds peers to ask.</param>
    /// <param name="requests">Carries requests and answers.</param>
    /// <param name="clock">The clock of every timeout.</param>
    /// <param name="metrics">Stays the caller's to dispose.</param>
    /// <param name="answered">Is told of every answer that this node gave; must return at once and never throw.</param>
    /// <param name="logger">The log.</param>
    public JoinService(
        ILinkHost host,
        Func<IPeerLink, LinkKind, CancellationToken, Task> setKind,
        DiscoverySet discovery,
        RequestService requests,
        TimeProvider clock,
        DiscoveryMetrics metrics,
        Action<JoinRequest, JoinAnswer> answered,
        ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(requests);
        (_host, _setKind, _discovery, _requests, _clock, _metrics, _answered, _logger) = (host, setKind, discovery, requests, clock, metrics, answered, logger);
        _serving = requests.HandleBuiltIn(JoinReply.RequestName, AnswerAsync);
    }

    /// <summary>Has every peer that asks to join judged by a handler from now on. Without one everybody is accepted.</summary>
    /// <returns>Disposing it removes the handler.</returns>
    /// <exception cref="InvalidOperationException">There is a handler already.</exception>
    public IDisposable Handle(JoinHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (Interlocked.CompareExchange(ref _handler, handler, null) is not null) throw new InvalidOperationException("There is a join handler already; dispose it first.");
        return new Registration(this, handler);
    }

    /// <summary>Answers nobody any more.</summary>
    public void Dispose() => _serving.Dispose();

    private async ValueTask<ReadOnlyMemory<byte>> AnswerAsync(RequestContext context, CancellationToken cancellationToken)
    {
        if (context.Payload.Length > JoinReply.MaxPayload) return JoinReply.Refused($"the request has more than {JoinReply.MaxPayload} bytes");
        var link = _host.Find(context.Peer) ?? throw new RequestException("the link has ended");
        var request = new JoinRequest(context.Peer, link.Info.DisplayName, context.Payload);
        var answer = await JudgeAsync(request, link, cancellationToken).ConfigureAwait(false);
        _metrics.JoinAnswered(answer.IsAccepted);
        _answered(request, answer);
        return answer.IsAccepted ? JoinReply.Accepted(answer.Payload.Span) : JoinReply.Refused(answer.Reason!);
    }

    private async Task<JoinAnswer> JudgeAsync(JoinRequest request, IPeerLink link, CancellationToken cancellationToken)
    {
        try
        {
            var answer = Volatile.Read(ref _handler) is { } handler ? await handler(request, cancellationToken).ConfigureAwait(false) : JoinAnswer.Accept();
            if (answer.IsAccepted && link.Kind != LinkKind.Direct) await _setKind(link, LinkKind.Direct, cancellationToken).ConfigureAwait(false);
            return answer;
        }
        catch (LinkKindRefusedException refused)
        {
            return JoinAnswer.Refuse(refused.Message);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            // What went wrong here is not the peer's business.
            DiscoveryLog.JoinHandlerFailed(_logger, request.Peer, fault);
            return JoinAnswer.Refuse("the host could not judge the request");
        }
    }

    private sealed class Registration(JoinService service, JoinHandler handler) : IDisposable
    {
        public void Dispose() => Interlocked.CompareExchange(ref service._handler, null, handler);
    }
}
