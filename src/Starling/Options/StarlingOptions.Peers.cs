using Starling.Net.Links;

namespace Starling;

/// <content>The peer book.</content>
public sealed partial class StarlingOptions
{
    /// <summary>The peer book: how much is remembered of peers, for how long, and in which file. Default no file.</summary>
    public PeerBookOptions Peers { get; set; } = new();
}
