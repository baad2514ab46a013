using Starling.Net.Transport;
using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>What a link has said and heard about itself: this end's stream of link control, and what is agreed.</summary>
/// <remarks>Whatever decides what is sent is decided in the swarm's loop, within a turn: so messages leave in the order in which they were decided.
/// What is marked so is touched by the loop alone.</remarks>
internal sealed class LinkControl(PeerLink link, SwarmOptions options, TimeProvider clock)
{
    private IStream? _stream;
    private volatile bool _broken;
    private int _abandoned;

    private SemaphoreSlim Turn { get; } = new(1, 1);

    /// <summary>The kind's core. Set when the link is ready. The loop's.</summary>
    public LinkKindCore? Kinds { get; set; }

    /// <summary>The answer to this end's open proposal: null, or why it was refused. The loop's.</summary>
    public TaskCompletionSource<string?>? Answer { get; set; }

    /// <summary>Whether this side was told to be ready when the peer was told last. The loop's.</summary>
    public bool ToldReady { get; set; }

    /// <summary>Whether anything can still be sent.</summary>
    public bool IsBroken => _broken;

    /// <summary>True for the first caller alone.</summary>
    public bool TryAbandon() => Interlocked.Exchange(ref _abandoned, 1) == 0;

    /// <summary>Decides in the loop what to send, and sends it, one turn at a time.</summary>
    /// <param name="decide">Queues the decision and returns what it decided to send; not called when the token is cancelled before this end's turn.</param>
    /// <param name="cancellationToken">Ends the wait for the turn. A turn that has begun is finished within the swarm's negotiation timeout.</param>
    /// <exception cref="StarlingException">The peer does not take what is sent.</exception>
    public async Task TakeTurnAsync(Func<Task<IReadOnlyList<LinkFrame>>> decide, CancellationToken cancellationToken)
    {
        await Turn.WaitAsync(cancellationToken);
        try
        {
            foreach (var frame in await decide()) await SendAsync(frame);
        }
        finally
        {
            Turn.Release();
        }
    }

    private async Task SendAsync(LinkFrame frame)
    {
        if (_broken) throw new StarlingException($"{link.Peer} takes no more messages about the link.");
        using var deadline = new Deadline(options.NegotiationTimeout, clock, CancellationToken.None);
        try
        {
            _stream ??= await OpenAsync(deadline.Token);
            await _stream.WriteLengthDelimitedAsync(LinkFrameCodec.Encode(frame), deadline.Token);
        }
        catch (Exception error) when (error is StarlingException or IOException or TimeoutException or OperationCanceledException)
        {
            _broken = true;
            _stream?.Reset();
            if (error is ConnectionClosedException) throw;
            throw new StarlingException($"{link.Peer} does not take a message about the link: {error.Message}", error);
        }
    }

    private async Task<IStream> OpenAsync(CancellationToken cancellationToken)
    {
        var stream = await link.OpenStreamAsync([LinkFrameCodec.Protocol], cancellationToken);
        stream.Priority = StreamPriority.Control;
        return stream;
    }
}
