namespace Starling.Protocols.Links;

/// <summary>How well this node itself is: a score that late rounds raise and punctual ones lower (Lifeguard, section IV A, local health multiplier). Not safe for several threads.</summary>
/// <remarks>A node that is held up sees everybody late. It therefore gives others more time, and does not count as their silence the time in which it could not listen.</remarks>
public sealed class LocalHealth(TimeSpan round, int maximum)
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private TimeSpan _well;

    /// <summary>0 while the node is well, up to the maximum.</summary>
    public int Score { get; private set; }

    /// <summary>What deadlines are multiplied with: one more than the score.</summary>
    public int Factor => Score + 1;

    /// <summary>Takes in how one round went.</summary>
    /// <param name="elapsed">Time since the round before.</param>
    /// <param name="pause">Time in it during which the runtime stood still to collect.</param>
    /// <returns>How much of the time this node can answer for: two rounds at most. The rest it was held up: stopped, starved or collecting.</returns>
    public TimeSpan Observe(TimeSpan elapsed, TimeSpan pause)
    {
        var late = elapsed - round > pause ? elapsed - round : pause;
        if (late > round)
        {
            // A short delay counts one, a long one at once as much as its seconds.
            Score = (int)Math.Min(maximum, Score + 1 + (long)late.TotalSeconds);
            _well = TimeSpan.Zero;
        }
        else if ((_well += elapsed) >= Second)
        {
            Score = Math.Max(0, Score - 1);
            _well = TimeSpan.Zero;
        }

        return elapsed < round * 2 ? elapsed : round * 2;
    }
}
