using Starling.Net.Transport;

namespace Starling.Bench;

/// <summary>Makes links as a node makes them: TCP, TLS with both certificates, yamux; both ends here.</summary>
internal sealed class LinkFactory : IAsyncDisposable
{
    private readonly NodeIdentity _dialling = NodeIdentity.Generate();
    private readonly NodeIdentity _listening = NodeIdentity.Generate();
    private readonly TcpTransport _transport = new(new TcpTransportOptions(), TimeProvider.System);
    private readonly ResourceBudget[] _budgets = [new(), new()];
    private readonly Upgrader _dialler;
    private readonly Upgrader _listener;
    private ITransportListener? _acceptor;

    public LinkFactory()
    {
        _dialler = NewUpgrader(_dialling, _budgets[0]);
        _listener = NewUpgrader(_listening, _budgets[1]);
    }

    /// <summary>What each end's links took from.</summary>
    public IReadOnlyList<ResourceBudget> Budgets => _budgets;

    public async Task<(IConnection Dialler, IConnection Listener)> ConnectAsync()
    {
        _acceptor ??= await _transport.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"));
        var accept = AcceptAsync(_acceptor);
        var dialler = await _dialler.UpgradeAsync(await _transport.DialAsync(_acceptor.Addresses[0]), _listening.PeerId);
        return (dialler, await accept);
    }

    public async ValueTask DisposeAsync()
    {
        if (_acceptor is not null) await _acceptor.DisposeAsync();
        _dialler.Dispose();
        _listener.Dispose();
        _dialling.Dispose();
        _listening.Dispose();
    }

    private async Task<IConnection> AcceptAsync(ITransportListener acceptor) =>
        await _listener.UpgradeAsync(await acceptor.AcceptAsync() ?? throw new InvalidOperationException("The listener is closed."), expected: null);

    private static Upgrader NewUpgrader(NodeIdentity identity, ResourceBudget budget) => new(
        identity.PeerId,
        [new TlsSecurity(identity, TimeProvider.System)],
        new UpgraderOptions(),
        budget,
        TimeProvider.System);
}
