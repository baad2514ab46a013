using Starling.Net.Transport;
using Starling.Protocols.Links;

namespace Starling.Tests;

/// <summary>A peer that identifies itself and takes pings, but answers none before the one that it is told to.</summary>
internal sealed class MutePeer : IAsyncDisposable
{
    private const string Ping = "/ipfs/ping/1.0.0";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly NodeIdentity _identity = NodeIdentity.Generate();
    private readonly TransportMetrics _metrics = new();
    private readonly Upgrader _upgrader;
    private readonly ITransportListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _asked;

    private MutePeer(ITransportListener listener)
    {
        _upgrader = new Upgrader(_identity.PeerId, Upgrader.DefaultSecurity(_identity, TimeProvider.System), new UpgraderOptions(), new ResourceBudget(), TimeProvider.System, _metrics);
        _listener = listener;
        _accepting = AcceptAsync();
    }

    public PeerId PeerId => _identity.PeerId;

    public Multiaddr Address => _listener.Addresses[0].WithPeerId(PeerId);

    /// <summary>The first ping that is answered, counted from 1.</summary>
    public int AnswerFrom { get; set; } = int.MaxValue;

    /// <summary>Pings that came.</summary>
    public int Asked => Volatile.Read(ref _asked);

    public static async Task<MutePeer> StartAsync()
    {
        using var metrics = new TransportMetrics();
        var transport = new TcpTransport(new TcpTransportOptions(), TimeProvider.System, metrics);
        return new MutePeer(await transport.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0")));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _listener.DisposeAsync();
        await _accepting.WaitAsync(Patience);
        _upgrader.Dispose();
        _metrics.Dispose();
        _identity.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (await _listener.AcceptAsync() is { } raw) _ = ServeLinkAsync(await _upgrader.UpgradeAsync(raw, null));
    }

    private async Task ServeLinkAsync(IConnection link)
    {
        try
        {
            while (true) _ = ServeStreamAsync(await link.AcceptStreamAsync(_stop.Token));
        }
        catch (Exception error) when (error is ConnectionClosedException or OperationCanceledException)
        {
            await link.DisposeAsync();
        }
    }

    private async Task ServeStreamAsync(IStream stream)
    {
        await using var owned = stream;
        try
        {
            var protocol = await MultistreamSelect.AcceptAsync(stream, id => id is Ping or IdentifyCodec.IdentifyProtocol, () => [], Patience, TimeProvider.System, _stop.Token);
            if (protocol == IdentifyCodec.IdentifyProtocol) await stream.WriteAsync(IdentifyCodec.Encode(new IdentifyMessage { PublicKey = _identity.PublicKey.Encoded, Protocols = [Ping] }), _stop.Token);
            else if (protocol == Ping) await ServePingAsync(stream);
            await stream.CloseWriteAsync(_stop.Token);
            await stream.ReadAsync(new byte[1], _stop.Token);
        }
        catch (Exception error) when (error is StarlingException or OperationCanceledException)
        {
            // The other side gave up on the stream, or the test is over.
        }
    }

    private async Task ServePingAsync(IStream stream)
    {
        var buffer = new byte[32];
        while (await stream.ReadAsync(buffer, _stop.Token) is > 0 and var count)
        {
            if (Interlocked.Increment(ref _asked) >= AnswerFrom) await stream.WriteAsync(buffer.AsMemory(0, count), _stop.Token);
        }
    }
}
