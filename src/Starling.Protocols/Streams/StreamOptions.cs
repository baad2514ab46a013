namespace Starling.Protocols.Streams;

/// <summary>The bounds of putting a topic's bundles in order, and of keeping them for others.</summary>
public class StreamOptions : ICheckedOptions
{
    /// <summary>How long a gap may hold an origin's later messages back. Default 2 seconds; each bundle that narrows it begins the time anew.</summary>
    /// <remarks>Then the gap is told as missed and delivery goes on.</remarks>
    public TimeSpan ReorderTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a gap may close by itself before neighbours' logs are asked. Default 20 milliseconds; doubled after each fruitless round.</summary>
    public TimeSpan RecoveryDelay { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Bytes of bundles that may be held back behind gaps, in one topic. Default 8 MiB; what comes beyond is let go, and asked for once the gap before it is closed.</summary>
    public int MaxHeldBytes { get; set; } = 8 << 20;

    /// <summary>Origins of one topic whose order is kept. Default 1,024; cost about 200 bytes each. The one heard least recently makes room, and begins anew when it is heard again.</summary>
    public int MaxOrigins { get; set; } = 1024;

    /// <summary>Bytes of bundles that a topic's log holds. Default 4 MiB; 0 keeps nothing. The oldest go first.</summary>
    /// <remarks>This is what a neighbour can still recover: 4 MiB are 40 milliseconds at 100 MB a second, and 40 seconds at 100 messages of 1 KB a second.</remarks>
    public int MaxLogBytes { get; set; } = 4 << 20;

    /// <summary>Bundles that a topic's log holds. Default 8,192.</summary>
    public int MaxLogBundles { get; set; } = 8192;

    /// <summary>How long a bundle is held. Default 10 minutes.</summary>
    public TimeSpan MaxLogAge { get; set; } = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public virtual void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Positive(ReorderTimeout, nameof(ReorderTimeout));
        problems.Positive(RecoveryDelay, nameof(RecoveryDelay));
        problems.Least(MaxHeldBytes, 0, nameof(MaxHeldBytes));
        problems.Least(MaxOrigins, 1, nameof(MaxOrigins));
        problems.Least(MaxLogBytes, 0, nameof(MaxLogBytes));
        problems.Least(MaxLogBundles, 0, nameof(MaxLogBundles));
        problems.Positive(MaxLogAge, nameof(MaxLogAge));
    }
}
