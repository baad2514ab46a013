using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>What a <see cref="PeerBook"/> keeps, for how long, and where.</summary>
public sealed class PeerBookOptions : PeerBookLimits, ICheckedOptions
{
    /// <summary>The JSON file that keeps the book over restarts. Default null: it lives as long as the node.</summary>
    /// <remarks>Created with mode 0600 when it is not there. One running node per file.</remarks>
    public string? File { get; set; }

    /// <summary>Time from a change to its save. Default 2 seconds, not negative. Gathers changes into one save; what is younger is lost when the process is killed.</summary>
    public TimeSpan SaveDelay { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Time between two looks for what is too old. Default 10 minutes, more than zero.</summary>
    public TimeSpan AgingInterval { get; set; } = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        CheckLimits(problems);
        if (File is not null && string.IsNullOrWhiteSpace(File)) problems.Add(nameof(File), File, "is empty", "name a file or leave the option out");
        problems.NotNegative(SaveDelay, nameof(SaveDelay));
        problems.Positive(AgingInterval, nameof(AgingInterval));
    }
}
