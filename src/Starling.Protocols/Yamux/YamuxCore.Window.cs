namespace Starling.Protocols.Yamux;

public sealed partial class YamuxCore
{
    private const int StarvedLimit = 1 << 20;

    /// <summary>The application consumed bytes of a stream. Credit goes to the peer once half of the window is free again.</summary>
    public void Consumed(YamuxStreamState stream, int bytes, Instant now)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.Gone) return;
        stream.Unread -= bytes;
        if (stream.RemoteEnded) return;
        var free = stream.ReceiveWindow - stream.ReceiveLeft - stream.Unread;
        if (free < stream.ReceiveWindow / 2) return;
        free += Grow(stream, now);
        stream.LastGrant = now;
        stream.ReceiveLeft += free;
        stream.CreditDue += (uint)free;
        QueueControl(stream);
    }

    /// <summary>Doubles the window when it, and not the reader, held the sender back.</summary>
    /// <remarks>Two signs, both while the reader kept up: half a window passed within four round trips; or the sender had
    /// used nearly all of its window. The second finds what a wire too fast for the first needs, up to <see cref="StarvedLimit"/>.</remarks>
    private int Grow(YamuxStreamState stream, Instant now)
    {
        var window = stream.ReceiveWindow;
        var arriving = _body == stream ? _bodyLeft : 0;
        var readerKeepsUp = stream.Unread - arriving <= window / 4;
        var senderStarved = stream.ReceiveLeft + arriving <= window / 8;
        var fast = RoundTrip is { } roundTrip && now - stream.LastGrant < 4 * roundTrip;
        if (!readerKeepsUp || !((senderStarved && window < StarvedLimit) || fast)) return 0;
        var growth = Math.Min(window, _options.MaxStreamWindow - window);
        if (growth == 0) return 0;
        if (_extraWindow + growth > _options.MaxLinkWindow || !_budget.TryAcquire(ResourceKind.WindowBytes, growth))
        {
            _statistics.WindowGrowthsRefused++;
            return 0;
        }

        _extraWindow += growth;
        stream.ReceiveWindow = window + growth;
        _statistics.WindowGrowths++;
        return growth;
    }
}
