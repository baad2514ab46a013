using System.Diagnostics;
using System.Text;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <summary>Activities of requests, and the trace context that travels with them (W3C Trace Context, <c>traceparent</c>).</summary>
internal static class RequestTracing
{
    /// <summary>An activity for a call that this node makes, or null when nobody listens.</summary>
    public static Activity? StartClient(string name, PeerId peer)
    {
        if (!Tracing.Source.HasListeners()) return null;
        var activity = Tracing.Source.StartActivity($"request {name}", ActivityKind.Client);
        activity?.SetTag("rpc.system", "starling").SetTag("rpc.method", name).SetTag("starling.peer", peer.ToString());
        return activity;
    }

    /// <summary>An activity for a call that this node serves, below the caller's.</summary>
    public static Activity? StartServer(string name, ActivityContext parent)
    {
        if (!Tracing.Source.HasListeners()) return null;
        var activity = Tracing.Source.StartActivity($"request {name}", ActivityKind.Server, parent);
        activity?.SetTag("rpc.system", "starling").SetTag("rpc.method", name);
        return activity;
    }

    /// <summary>Says how the call ended.</summary>
    public static void End(Activity? activity, RequestFailure failure)
    {
        if (activity is null) return;
        if (failure != RequestFailure.None) activity.SetStatus(ActivityStatusCode.Error, failure.ToString());
    }

    /// <summary>Writes the activity's context and returns its length, 0 when there is none.</summary>
    public static int Write(Activity? activity, Span<byte> to) =>
        activity is { IdFormat: ActivityIdFormat.W3C, Id: { Length: RequestLimits.TraceParentBytes } id } ? Encoding.ASCII.GetBytes(id, to) : 0;

    /// <summary>Reads a context that a peer sent. What is none is no error: the activity then has no parent.</summary>
    public static ActivityContext Parse(ReadOnlySpan<byte> traceParent)
    {
        if (traceParent.IsEmpty || !Tracing.Source.HasListeners()) return default;
        return ActivityContext.TryParse(Encoding.ASCII.GetString(traceParent), null, isRemote: true, out var context) ? context : default;
    }
}
