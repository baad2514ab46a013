namespace Starling.Net.Transport;

/// <summary>Agrees on the protocol of a channel by multistream-select 1.0 (libp2p specification <c>connections</c>).</summary>
/// <remarks>None of these methods closes the channel: when one fails, the caller resets or disposes it.</remarks>
public static class MultistreamSelect
{
    /// <summary>Dialler on a raw stream: proposes each protocol in turn. The caller sets the deadline.</summary>
    /// <returns>The protocol that was agreed. No byte behind the answer has been read.</returns>
    /// <exception cref="ProtocolNotSupportedException">The listener speaks none of them.</exception>
    /// <exception cref="ProtocolViolationException">The listener broke the protocol.</exception>
    /// <exception cref="EndOfStreamException">The listener ended the channel instead of answering.</exception>
    public static async ValueTask<string> SelectAsync(Stream raw, IReadOnlyList<string> protocols, CancellationToken cancellationToken)
    {
        Check(protocols);
        return await MultistreamNegotiation<RawChannel>.SelectAsync(new RawChannel(raw), protocols, cancellationToken)
            ?? throw new ProtocolNotSupportedException(protocols);
    }

    /// <summary>Listener on a raw stream. The caller sets the deadline.</summary>
    /// <returns>The protocol that was agreed, or null when the dialler gave up. No byte behind the proposal has been read.</returns>
    /// <exception cref="ProtocolViolationException">The dialler broke the protocol or made too many proposals.</exception>
    /// <exception cref="EndOfStreamException">The dialler ended the channel within a message.</exception>
    public static ValueTask<string?> AcceptAsync(Stream raw, IReadOnlyList<string> protocols, CancellationToken cancellationToken)
    {
        Check(protocols);
        return MultistreamNegotiation<RawChannel>.AcceptAsync(new RawChannel(raw), protocols.Contains, () => protocols, cancellationToken);
    }

    /// <summary>Dialler on a new stream of a link.</summary>
    /// <param name="raw">The stream, nothing sent on it yet. The returned stream owns it.</param>
    /// <param name="protocols">Protocol ids, the most wanted first.</param>
    /// <param name="lazy">Whether to take the first protocol for granted: the proposal then goes out with the first payload, and a
    /// refusal surfaces as <see cref="ProtocolNotSupportedException"/> at the first read or at the close of the write side.
    /// Right when the peer is known to speak it.</param>
    /// <param name="timeout">For the whole negotiation; when lazy, for the answer from the moment it is waited for.</param>
    /// <param name="clock">The node's clock.</param>
    /// <param name="cancellationToken">Cancels the negotiation; the raw stream is then to be reset.</param>
    /// <exception cref="ProtocolNotSupportedException">The listener speaks none of them.</exception>
    /// <exception cref="ProtocolViolationException">The listener broke the protocol.</exception>
    /// <exception cref="EndOfStreamException">The listener ended the stream instead of answering.</exception>
    /// <exception cref="TimeoutException">There was no answer in time.</exception>
    public static async ValueTask<IStream> OpenAsync(
        IStream raw, IReadOnlyList<string> protocols, bool lazy, TimeSpan timeout, TimeProvider clock, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(raw);
        ArgumentNullException.ThrowIfNull(clock);
        Check(protocols);
        if (lazy) return new NegotiatedStream(raw, protocols[0], timeout, clock);
        using var deadline = new Deadline(timeout, clock, cancellationToken);
        try
        {
            raw.Protocol = await MultistreamNegotiation<LinkChannel>.SelectAsync(new LinkChannel(raw), protocols, deadline.Token)
                ?? throw new ProtocolNotSupportedException(protocols);
            return raw;
        }
        catch (OperationCanceledException cancelled) when (deadline.IsOver)
        {
            throw new TimeoutException($"The peer did not answer the proposal of {string.Join(", ", protocols)} within {timeout.TotalSeconds:0.#} s.", cancelled);
        }
    }

    /// <summary>Listener on a stream that the peer opened.</summary>
    /// <param name="raw">The stream, nothing read from it yet.</param>
    /// <param name="serves">Whether a protocol id is served.</param>
    /// <param name="list">The served ids, for a dialler that asks.</param>
    /// <param name="timeout">For the whole negotiation.</param>
    /// <param name="clock">The node's clock.</param>
    /// <param name="cancellationToken">Cancels the negotiation; the stream is then to be reset.</param>
    /// <returns>The protocol that was agreed, also set on the stream; null when the dialler gave up after a refusal or before a proposal.</returns>
    /// <exception cref="ProtocolViolationException">The dialler broke the protocol or made too many proposals.</exception>
    /// <exception cref="EndOfStreamException">The dialler ended the stream within a message.</exception>
    /// <exception cref="TimeoutException">No protocol was agreed in time.</exception>
    public static async ValueTask<string?> AcceptAsync(
        IStream raw, Func<string, bool> serves, Func<IEnumerable<string>> list, TimeSpan timeout, TimeProvider clock, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(raw);
        ArgumentNullException.ThrowIfNull(clock);
        using var deadline = new Deadline(timeout, clock, cancellationToken);
        try
        {
            raw.Protocol = await MultistreamNegotiation<LinkChannel>.AcceptAsync(new LinkChannel(raw), serves, list, deadline.Token);
            return raw.Protocol;
        }
        catch (StreamResetException reset) when (reset.ByRemote)
        {
            return null;
        }
        catch (OperationCanceledException cancelled) when (deadline.IsOver)
        {
            throw new TimeoutException($"The peer did not settle on a protocol within {timeout.TotalSeconds:0.#} s.", cancelled);
        }
    }

    private static void Check(IReadOnlyList<string> protocols)
    {
        ArgumentNullException.ThrowIfNull(protocols);
        ArgumentOutOfRangeException.ThrowIfZero(protocols.Count);
    }
}
