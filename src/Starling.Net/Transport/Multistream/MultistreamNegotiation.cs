using Starling.Protocols.Transport;

namespace Starling.Net.Transport;

/// <summary>Both sides of a multistream-select negotiation over one channel.</summary>
internal static class MultistreamNegotiation<TChannel>
    where TChannel : struct, IByteChannel
{
    /// <summary>Messages that a listener answers before it gives up on the dialler.</summary>
    internal const int MaxMessages = 64;

    /// <summary>Bytes behind a refused proposal that a listener reads away before it stops reading.</summary>
    internal const int MaxDiscarded = 256 << 10;

    /// <summary>Proposes each protocol in turn; null when the listener speaks none.</summary>
    public static async ValueTask<string?> SelectAsync(TChannel channel, IReadOnlyList<string> protocols, CancellationToken cancellationToken)
    {
        await channel.WriteAsync(MultistreamMessage.Encode(MultistreamMessage.Header, protocols[0]), cancellationToken);
        var reader = new MultistreamReader<TChannel>(channel);
        var header = await reader.ReadAsync(cancellationToken);
        if (header != MultistreamMessage.Header) throw Unexpected(header, MultistreamMessage.Header);
        for (var next = 0; ;)
        {
            var answer = await reader.ReadAsync(cancellationToken);
            if (answer == protocols[next]) return answer;
            if (answer != MultistreamMessage.NotAvailable) throw Unexpected(answer, protocols[next]);
            if (++next == protocols.Count) return null;
            await channel.WriteAsync(MultistreamMessage.Encode(protocols[next]), cancellationToken);
        }
    }

    /// <summary>Answers proposals until one is served; null when the dialler gave up.</summary>
    public static async ValueTask<string?> AcceptAsync(
        TChannel channel, Func<string, bool> serves, Func<IEnumerable<string>> list, CancellationToken cancellationToken)
    {
        var reader = new MultistreamReader<TChannel>(channel);
        var first = await reader.ReadAsync(cancellationToken);
        if (first is null) return null;
        if (first != MultistreamMessage.Header) throw Unexpected(first, MultistreamMessage.Header);

        // A dialler that proposes at once gets header and answer in one write; one that waits for our header gets it now.
        var answer = MultistreamMessage.Encode(MultistreamMessage.Header);
        var refused = false;
        for (var count = 0; count < MaxMessages; count++)
        {
            var begun = reader.BeginAsync(cancellationToken);
            if (begun.IsCompletedSuccessfully)
            {
                if (!await begun) return null;
                if (refused)
                {
                    // Sent before our refusal was: not a new proposal but payload of the refused protocol. It reaches nobody.
                    await channel.WriteAsync(answer, cancellationToken);
                    await DiscardAsync(channel, cancellationToken);
                    return null;
                }
            }
            else
            {
                var pending = begun.AsTask();
                await Task.WhenAll(pending, SendAsync(channel, answer, cancellationToken));
                answer = [];
                if (!await pending) return null;
            }

            var message = await reader.FinishAsync(cancellationToken);
            if (message == MultistreamMessage.List)
            {
                answer = [.. answer, .. MultistreamMessage.EncodeList(list())];
                refused = false;
                continue;
            }

            if (message != MultistreamMessage.Header && serves(message))
            {
                await channel.WriteAsync((byte[])[.. answer, .. MultistreamMessage.Encode(message)], cancellationToken);
                return message;
            }

            refused = message != MultistreamMessage.Header;
            answer = [.. answer, .. MultistreamMessage.Encode(refused ? MultistreamMessage.NotAvailable : MultistreamMessage.Header)];
        }

        throw new ProtocolViolationException($"The peer made more than {MaxMessages} proposals.");
    }

    private static Task SendAsync(TChannel channel, byte[] answer, CancellationToken cancellationToken) =>
        answer.Length == 0 ? Task.CompletedTask : channel.WriteAsync(answer, cancellationToken).AsTask();

    private static async ValueTask DiscardAsync(TChannel channel, CancellationToken cancellationToken)
    {
        var sink = new byte[4096];
        for (var total = 0; total < MaxDiscarded;)
        {
            var read = await channel.ReadAsync(sink, cancellationToken);
            if (read == 0) return;
            total += read;
        }
    }

    private static Exception Unexpected(string? answer, string wanted) => answer is null
        ? new EndOfStreamException($"The peer ended the channel instead of answering {wanted}.")
        : new ProtocolViolationException($"The peer answered '{Shorten(answer)}' where {wanted} was due.");

    private static string Shorten(string text) => string.Concat(text.Take(64).Select(c => char.IsControl(c) ? '?' : c));
}
