using System.Diagnostics;

namespace Starling.Net.Links;

/// <summary>The activities of dials and streams. Nobody listening costs one check.</summary>
internal static class LinkActivities
{
    /// <summary>A request to connect, from its start to the ready link; null when nobody listens.</summary>
    public static Activity? Dial(PeerId? peer, IReadOnlyList<Multiaddr> addresses)
    {
        var activity = Tracing.Source.StartActivity("starling.dial", ActivityKind.Client);
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag("starling.peer", peer?.ToString());
            activity.SetTag("starling.addresses", string.Join(' ', addresses.Take(16)));
        }

        return activity;
    }

    /// <summary>A stream: of an inbound one what its handler does, of an outbound one from its opening to its disposal.</summary>
    public static Activity? Stream(Direction direction, PeerId peer, string? protocol)
    {
        var activity = Tracing.Source.StartActivity("starling.stream", direction == Direction.Inbound ? ActivityKind.Server : ActivityKind.Client);
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag("starling.peer", peer.ToString());
            activity.SetTag("starling.protocol", protocol);
        }

        return activity;
    }

    /// <summary>Notes how it failed.</summary>
    public static void Fail(this Activity? activity, string why) => activity?.SetStatus(ActivityStatusCode.Error, why);
}

/// <summary>An outbound stream whose activity ends with it. Only made when somebody listens.</summary>
internal sealed class TracedStream(IStream inner, Activity activity) : IStream
{
    private int _disposed;

    public uint Id => inner.Id;

    public Direction Direction => inner.Direction;

    public string? Protocol
    {
        get => inner.Protocol;
        set => inner.Protocol = value;
    }

    public StreamPriority Priority
    {
        get => inner.Priority;
        set => inner.Priority = value;
    }

    public IConnection Connection => inner.Connection;

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

    public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => inner.WriteAsync(data, cancellationToken);

    public ValueTask CloseWriteAsync(CancellationToken cancellationToken = default) => inner.CloseWriteAsync(cancellationToken);

    public void Reset()
    {
        activity.Fail("reset");
        inner.Reset();
    }

    public async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        if (Interlocked.Exchange(ref _disposed, 1) == 0) activity.Dispose();
    }
}
