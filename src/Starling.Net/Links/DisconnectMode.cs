namespace Starling.Net.Links;

/// <summary>How a link is ended on purpose, and what the other side is told of it.</summary>
public enum DisconnectMode
{
    /// <summary>By agreement: the other side is told that this is meant, with the reason, so that it does not dial again by itself.</summary>
    Mutual,

    /// <summary>Without a word: the other side sees a plain go-away and may dial again.</summary>
    OneSided,

    /// <summary>For good: the other side is told that it is blocked, and a node adds it to its blocklist.</summary>
    Forced,
}
