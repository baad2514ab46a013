namespace Starling.Net.Requests;

/// <summary>One handler under its name. Disposing takes it away and cancels the calls that it serves.</summary>
internal sealed class RequestRegistration(string name, RequestHandler? unary, StreamingRequestHandler? streaming, Action<RequestRegistration> onRemove) : IDisposable
{
    private readonly CancellationTokenSource _removed = new();
    private int _disposed;

    public string Name { get; } = name;

    public RequestHandler? Unary { get; } = unary;

    public StreamingRequestHandler? Streaming { get; } = streaming;

    public CancellationToken Removed => _removed.Token;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        onRemove(this);
        _removed.Cancel();
    }
}
