using System.Diagnostics;

namespace Starling.Net;

/// <summary>Where a node's activities come from: one source for dials, requests and streams.</summary>
public static class Tracing
{
    /// <summary>The source's name, to be added to a tracer.</summary>
    public const string SourceName = "Starling";

    internal static ActivitySource Source { get; } = new(SourceName);
}
