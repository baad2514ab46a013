using System.Globalization;
using System.Text;
using Starling.Net.Links;

namespace Starling.Net.PubSub;

/// <summary>Where the numbers of a node's messages begin: at the time of its start, and beyond every earlier start also when the clock went back meanwhile.</summary>
internal static class StartTime
{
    /// <summary>How far beyond the last start numbers go on then: more than one life can have used, with a number for each nanosecond.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromHours(1);

    /// <summary>The time to begin at, which is kept for the next start.</summary>
    /// <param name="path">Where it is kept; null takes the clock alone.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="log">Told when the clock went back, and when the file cannot be used: then the clock alone decides.</param>
    public static DateTimeOffset Begin(string? path, TimeProvider clock, PubSubLog log)
    {
        var now = clock.GetUtcNow();
        if (path is null) return now;
        var begin = now;
        try
        {
            var file = new StateFile(path, "start time", maxBytes: 64, log.Logger);
            if (file.Load<DateTimeOffset?>(static bytes => Parse(bytes.Span)) is { } last && last >= now)
            {
                begin = last + Step;
                log.ClockWentBack(now, last, begin);
            }

            file.Save(Encoding.ASCII.GetBytes(begin.UtcTicks.ToString(CultureInfo.InvariantCulture)));
        }
        catch (StarlingException error)
        {
            log.StartNotKept(error.Message);
        }

        return begin;
    }

    private static DateTimeOffset Parse(ReadOnlySpan<byte> bytes)
    {
        var isTime = long.TryParse(bytes, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) && ticks <= (DateTimeOffset.MaxValue - TimeSpan.FromDays(3650)).UtcTicks;
        return isTime ? new DateTimeOffset(ticks, TimeSpan.Zero) : throw new FormatException("it holds no time");
    }
}
