namespace Starling.Net.Links;

/// <summary>A link could not be made direct, or transient; it stays as it was.</summary>
public sealed class LinkKindRefusedException(string message, bool byRemote) : StarlingException(message)
{
    /// <summary>Whether the other side refused.</summary>
    public bool ByRemote { get; } = byRemote;
}
