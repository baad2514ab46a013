using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>Who is blocked from the start, and where the blocklist is kept.</summary>
public sealed class RestrictionsOptions : ICheckedOptions
{
    /// <summary>Peer ids, IP addresses and ranges such as <c>10.0.0.0/8</c> that are blocked from the start and for ever. Default none. Not written to <see cref="File"/>.</summary>
    public IList<string> Block { get; set; } = [];

    /// <summary>The JSON file that keeps what is blocked while the node runs over restarts. Default null: it is forgotten when the node stops.</summary>
    /// <remarks>Created with mode 0600 when it is not there. One running node per file.</remarks>
    public string? File { get; set; }

    /// <summary>Entries at once, those of <see cref="Block"/> included. Default 65,536, from 1 to 1,048,576; about 300 bytes each. One more is refused.</summary>
    public int MaxEntries { get; set; } = 65_536;

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Within(MaxEntries, 1, 1 << 20, nameof(MaxEntries));
        if (File is not null && string.IsNullOrWhiteSpace(File)) problems.Add(nameof(File), File, "is empty", "name a file or leave the option out");
        if (Block.Count > MaxEntries) problems.Add(nameof(Block), $"{Block.Count} entries", $"are more than {nameof(MaxEntries)}", "leave some out or raise it");
        foreach (var text in Block)
        {
            if (!BlockSubject.TryParse(text, out _, out var error)) problems.Add(nameof(Block), text, $"cannot be blocked ({error})", "write a peer id, an IP address or a range such as 192.0.2.0/24");
        }
    }
}
