namespace Starling.Simulation;

/// <summary>What becomes of frames that the network loses.</summary>
public enum LossKind
{
    /// <summary>They are sent again and come late, and what was sent behind them on the link waits for them: a stream over TCP, as Starling's links are.</summary>
    Late,

    /// <summary>They are gone: what a sender's full queue, or a link without retransmission, does.</summary>
    Gone,
}

/// <summary>Loss of single frames, at random and independent of each other.</summary>
/// <param name="Rate">The share of frames that is lost, from 0 to less than 1.</param>
/// <param name="Kind">What becomes of them. Frames that are <see cref="LossKind.Gone"/> are data; control frames come late in either case.</param>
/// <param name="Retransmission">The time after which a lost frame is sent again, doubled when it is lost again, up to 10 times. Default 200 ms, TCP's least.</param>
public sealed record LossModel(double Rate, LossKind Kind = LossKind.Late, TimeSpan? Retransmission = null)
{
    /// <summary>Nothing is lost.</summary>
    public static LossModel None { get; } = new(0);

    /// <summary>A sentence for reports.</summary>
    public string Description => Rate == 0 ? "no loss" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Rate:0.###%} of frames {(Kind == LossKind.Late ? "late by retransmission" : "gone")}");

    /// <summary>Draws for one frame: false when it is gone.</summary>
    internal bool TryDraw(RandomSource random, bool control, out long late)
    {
        late = 0;
        if (Rate == 0) return true;
        var again = (Retransmission ?? TimeSpan.FromMilliseconds(200)).Ticks;
        for (var tries = 0; tries < 10 && random.NextDouble() < Rate; tries++)
        {
            if (Kind == LossKind.Gone && !control) return false;
            late += again << tries;
        }

        return true;
    }
}
