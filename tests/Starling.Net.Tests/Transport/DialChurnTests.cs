using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport;

public sealed class DialChurnTests : IDisposable
{
    private const int Cycles = 10_000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly Multiaddr Address = Multiaddr.Memory(9);
    private readonly NodeIdentity _dialler = NodeIdentity.Generate();
    private readonly NodeIdentity _listener = NodeIdentity.Generate();
    private readonly MemoryTransport _transport = new(new MemoryNetwork());

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_thousand_dials_and_closes_leave_nothing_in_the_budgets_and_are_all_counted()
    {
        using var metrics = new CountedMetrics();
        var (near, far) = (new ResourceBudget(), new ResourceBudget());
        using var upgrader = Upgrader(_dialler, near, metrics.Metrics);
        using var other = Upgrader(_listener, far, metrics: null);
        var dialler = new Dialer([_transport], upgrader, new DialerOptions(), TimeProvider.System, metrics.Metrics);
        await using var listener = await _transport.ListenAsync(Address, Token);
        var accepting = AcceptAsync(listener, other);

        var dials = Enumerable.Range(0, 4).Select(async _ =>
        {
            for (var i = 0; i < Cycles / 4; i++)
            {
                await using var link = await dialler.DialAsync(_listener.PeerId, [Address], Token);
                Assert.Equal(_listener.PeerId, link.RemotePeer);
            }
        });
        await Task.WhenAll(dials).WaitAsync(Patience, Token);
        await listener.DisposeAsync();
        await accepting.WaitAsync(Patience, Token);

        foreach (var kind in Enum.GetValues<ResourceKind>()) Assert.Equal((kind, 0L, 0L), (kind, near.Used(kind), far.Used(kind)));
        Assert.Equal((Cycles, Cycles), (metrics["handshakes Succeeded"], metrics["dials Succeeded"]));
    }

    public void Dispose()
    {
        _dialler.Dispose();
        _listener.Dispose();
    }

    private static Upgrader Upgrader(NodeIdentity identity, ResourceBudget budget, TransportMetrics? metrics) =>
        new(identity.PeerId, [new Introduction(identity)], new UpgraderOptions(), budget, TimeProvider.System, metrics);

    private static async Task AcceptAsync(ITransportListener listener, Upgrader upgrader)
    {
        var serving = new List<Task>();
        while (await listener.AcceptAsync(Token) is { } raw) serving.Add(ServeAsync(raw));
        await Task.WhenAll(serving);

        async Task ServeAsync(RawConnection raw)
        {
            await using var link = await upgrader.UpgradeAsync(raw, null, Token);
            await link.Closed;
        }
    }

    /// <summary>Each side sends its key and nothing is encrypted, so that the cycles spend their time on links and not on cryptography.</summary>
    private sealed class Introduction(NodeIdentity identity) : ISecurityProtocol
    {
        public string ProtocolId => "/introduction/1";

        public async Task<SecureChannel> SecureAsync(
            Stream raw, Direction side, PeerId? expected, IReadOnlyList<string> muxers, CancellationToken cancellationToken)
        {
            var own = identity.PublicKey.Encoded;
            await raw.WriteAsync((byte[])[(byte)own.Length, .. own.Span], cancellationToken);
            var length = new byte[1];
            await raw.ReadExactlyAsync(length, cancellationToken);
            var other = new byte[length[0]];
            await raw.ReadExactlyAsync(other, cancellationToken);
            var key = PublicKey.Decode(other);
            return new SecureChannel(raw, key.ToPeerId(), key, muxers[0]);
        }
    }
}
