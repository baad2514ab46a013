using Starling.Protocols.PubSub;

namespace Starling.Net.Tests.PubSub;

/// <summary>A neighbour that says what it follows, whatever else it is told to say, and never reads.</summary>
internal sealed class StuckPeer : IAsyncDisposable
{
    private readonly FakeHost _host = new();
    private readonly FakeHost _other;
    private readonly IDisposable _handler;
    private IStream? _stream;

    public StuckPeer(FakeHost other)
    {
        _other = other;
        _handler = _host.Handle(PubSubProtocol.FloodSub, (_, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken));
        FakeHost.Link(_host, other);
    }

    public PeerId Id => _host.LocalPeer;

    public async Task SubscribeAsync(string topic)
    {
        var frame = new byte[1 + RpcCodec.SizeOfSubscription(topic)];
        frame[0] = (byte)(frame.Length - 1);
        RpcCodec.WriteSubscription(frame.AsSpan(1), topic, subscribe: true);
        await SendAsync(frame);
    }

    /// <summary>Sends bytes as they are.</summary>
    public async Task SendAsync(byte[] bytes)
    {
        _stream ??= await _host.Find(_other.LocalPeer)!.OpenStreamAsync([PubSubProtocol.FloodSub]);
        await _stream.WriteAsync(bytes);
    }

    /// <summary>Completes when the other side has reset the stream or ended its direction of it.</summary>
    public async Task RefusedAsync()
    {
        try
        {
            Assert.Equal(0, await _stream!.ReadAsync(new byte[1]).Soon());
        }
        catch (StreamResetException reset)
        {
            Assert.NotEmpty(reset.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        FakeHost.Unlink(_host, _other);
        _handler.Dispose();
        await _host.DisposeAsync();
    }
}
