using Starling.Net.Links;

namespace Starling;

/// <content>Asking peers whether they are there.</content>
public sealed partial class StarlingNode
{
    /// <summary>Pings at once in <see cref="PingAllAsync"/>.</summary>
    private const int MaxPings = 64;

    /// <summary>Measures a round trip to a linked peer, and tries again when no answer comes in time.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="retries">Further tries after the first, 0 to 100.</param>
    /// <param name="timeout">Time for each try; null takes <see cref="HealthOptions.Timeout"/>. More than zero.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="StarlingException">There is no link to the peer, or it ended meanwhile.</exception>
    /// <exception cref="TimeoutException">No try was answered in time; the link is left to the keep-alive.</exception>
    public async Task<TimeSpan> PingAsync(PeerId peer, int retries, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(retries, 100);
        var wait = timeout ?? _options.Health.Timeout;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(wait, TimeSpan.Zero, nameof(timeout));
        for (var left = retries; ; left--)
        {
            using var time = new CancellationTokenSource(wait, _parts.Clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
            try
            {
                return await PingOnceAsync(LinkTo(peer), either.Token);
            }
            catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
            {
                if (left == 0) throw new TimeoutException($"{peer} answered none of {retries + 1} pings within {wait.TotalSeconds:0.#} s each.", late);
            }
            catch (StreamResetException) when (left > 0)
            {
                // The peer dropped the stream and not the link: the next try takes a new one.
            }
        }
    }

    /// <summary>Pings every linked peer, up to 64 at once.</summary>
    /// <param name="retries">Further tries after the first for each peer, 0 to 100.</param>
    /// <param name="timeout">Time for each try; null takes <see cref="HealthOptions.Timeout"/>. More than zero.</param>
    /// <param name="removeSilent">Whether the link to a peer that answered no try is closed with <see cref="CloseReason.KeepAliveTimeout"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>One result for each link that was ready, in no order.</returns>
    public async Task<IReadOnlyList<PingResult>> PingAllAsync(int retries = 0, TimeSpan? timeout = null, bool removeSilent = false, CancellationToken cancellationToken = default)
    {
        var links = Links;
        var results = new PingResult[links.Count];
        await Parallel.ForAsync(0, links.Count, new ParallelOptions { MaxDegreeOfParallelism = MaxPings, CancellationToken = cancellationToken }, async (i, cancelled) =>
        {
            var peer = links[i].Peer;
            try
            {
                results[i] = new PingResult(peer, await PingAsync(peer, retries, timeout, cancelled));
            }
            catch (Exception error) when (error is StarlingException or TimeoutException)
            {
                results[i] = new PingResult(peer, null, error.Message);
                if (removeSilent) await _parts.Swarm.DisconnectAsync(peer, new CloseInfo(CloseReason.KeepAliveTimeout, error.Message), cancelled);
            }
        });
        return results;
    }

    /// <summary>A peer without the ping protocol is asked by the multiplexer, which every link has.</summary>
    private async Task<TimeSpan> PingOnceAsync(PeerLink link, CancellationToken cancellationToken)
    {
        try
        {
            return await _parts.Swarm.PingAsync(link, cancellationToken);
        }
        catch (ProtocolNotSupportedException)
        {
            return await link.Connection.PingAsync(cancellationToken);
        }
    }
}

/// <summary>How one peer answered <see cref="StarlingNode.PingAllAsync"/>.</summary>
/// <param name="Peer">Who was asked.</param>
/// <param name="RoundTrip">How long the answer took, or null when none came.</param>
/// <param name="Error">Why none came, or null.</param>
public sealed record PingResult(PeerId Peer, TimeSpan? RoundTrip, string? Error = null);
