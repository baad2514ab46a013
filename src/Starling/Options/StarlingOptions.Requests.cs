using Starling.Net.Requests;

namespace Starling;

public sealed partial class StarlingOptions
{
    /// <summary>The bounds and times of requests.</summary>
    public RequestServiceOptions Requests { get; set; } = new();
}
