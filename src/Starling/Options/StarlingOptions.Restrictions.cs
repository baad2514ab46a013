using Starling.Net.Links;

namespace Starling;

/// <content>The blocklist, and what one peer or address may take.</content>
public sealed partial class StarlingOptions
{
    /// <summary>The blocklist: who is blocked from the start, and in which file it is kept. Default nobody and no file.</summary>
    public RestrictionsOptions Restrictions { get; set; } = new();

    /// <summary>What one peer and one address may take of the node's links, streams, handshakes and bytes.</summary>
    public ScopeLimits Limits { get; set; } = new();
}
