using Starling.Net.PubSub;
using Starling.Net.PubSub.Groups;

namespace Starling.Cli.Verbs;

/// <summary>Where messages to be printed come from.</summary>
internal interface IMessageSource : IAsyncDisposable
{
    /// <summary>Messages that will never be printed.</summary>
    long Missed { get; }

    /// <summary>Prints up to so many messages, each at once when nothing more waits behind it. Returns how many.</summary>
    Task<long> PrintAsync(MessagePrinter printer, long wanted, CancellationToken cancellationToken);
}

/// <summary>All messages of a topic.</summary>
internal sealed class SubscriptionSource(TopicSubscription messages) : IMessageSource
{
    public long Missed => messages.Dropped + messages.Lost;

    public ValueTask DisposeAsync() => messages.DisposeAsync();

    public async Task<long> PrintAsync(MessagePrinter printer, long wanted, CancellationToken cancellationToken)
    {
        long got = 0;
        try
        {
            while (got < wanted && await messages.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                for (; got < wanted && messages.TryRead(out var message); got++) printer.Print(message);
                printer.Flush();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return got;
        }

        return got;
    }
}

/// <summary>The messages of a group that fall to this node. A message is acknowledged once it was written out.</summary>
internal sealed class GroupSource(GroupMember member) : IMessageSource
{
    public long Missed => member.Missed;

    public ValueTask DisposeAsync() => member.DisposeAsync();

    public async Task<long> PrintAsync(MessagePrinter printer, long wanted, CancellationToken cancellationToken)
    {
        long got = 0;
        try
        {
            for (; got < wanted && await member.ReadAsync(cancellationToken).ConfigureAwait(false) is { } message; got++)
            {
                printer.Print(message.Message);
                printer.Flush();
                message.Acknowledge();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return got;
        }

        return got;
    }
}
