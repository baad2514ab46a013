using Starling.Net.Transport;
using Starling.Net.Transport.Noise;

namespace Starling.Net.Tests.Transport;

/// <summary>Two nodes' upgraders on one manual clock, each with a budget of its own.</summary>
internal sealed class UpgradeRig : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public UpgradeRig(string dialler = "tls,noise", string listener = "tls,noise", ResourceBudgetOptions? limits = null)
    {
        Budgets = [new ResourceBudget(limits), new ResourceBudget(limits)];
        Dialler = Make(Identities[0], dialler, Budgets[0]);
        Listener = Make(Identities[1], listener, Budgets[1]);
    }

    public ManualClock Clock { get; } = new();

    public NodeIdentity[] Identities { get; } = [NodeIdentity.Generate(), NodeIdentity.Generate()];

    public ResourceBudget[] Budgets { get; }

    public Upgrader Dialler { get; }

    public Upgrader Listener { get; }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public static (RawConnection Dialler, RawConnection Listener) Pair()
    {
        var (near, far) = ByteDuplexStream.CreatePair();
        var (here, there) = (Multiaddr.Memory(1), Multiaddr.Memory(2));
        return (new RawConnection(new TroubledStream(near), here, there, Direction.Outbound), new RawConnection(new TroubledStream(far), there, here, Direction.Inbound));
    }

    public Upgrader Make(NodeIdentity identity, string security, ResourceBudget budget) => new(
        identity.PeerId,
        [.. security.Split(',').Select(name => name == "tls" ? (ISecurityProtocol)new TlsSecurity(identity, Clock) : new NoiseSecurity(identity))],
        new UpgraderOptions(),
        budget,
        Clock);

    /// <summary>Upgrades both ends, and says how each ended.</summary>
    public async Task<(Outcome Dialler, Outcome Listener)> UpgradeAsync(
        (RawConnection Dialler, RawConnection Listener) raw, CancellationToken dialler = default, CancellationToken listener = default)
    {
        var both = await Task.WhenAll(
            Outcome.OfAsync(raw.Dialler, Dialler.UpgradeAsync(raw.Dialler, Identities[1].PeerId, dialler)),
            Outcome.OfAsync(raw.Listener, Listener.UpgradeAsync(raw.Listener, null, listener))).WaitAsync(Patience, Token);
        return (both[0], both[1]);
    }

    /// <summary>Whatever came about is closed, and nothing is held.</summary>
    public async Task AssertAllIsFreeAsync(params Outcome[] outcomes)
    {
        foreach (var outcome in outcomes)
        {
            if (outcome.Link is { } link) await link.CloseAsync(new CloseInfo(CloseReason.LocalClose), new CancellationToken(canceled: true)).WaitAsync(Patience, Token);
            Assert.True(((TroubledStream)outcome.Raw.Channel).Disposed);
        }

        foreach (var budget in Budgets)
            foreach (var kind in Enum.GetValues<ResourceKind>()) Assert.Equal(0, budget.Used(kind));
    }

    public void Dispose()
    {
        Dialler.Dispose();
        Listener.Dispose();
        foreach (var identity in Identities) identity.Dispose();
    }

    /// <summary>How an upgrade ended: with a link or an error.</summary>
    internal sealed record Outcome(RawConnection Raw, IConnection? Link, Exception? Error)
    {
        public HandshakeFailure? Failure => (Error as HandshakeException)?.Failure;

        public static async Task<Outcome> OfAsync(RawConnection raw, Task<IConnection> upgrade)
        {
            try
            {
                return new Outcome(raw, await upgrade, null);
            }
            catch (Exception e) when (e is HandshakeException or OperationCanceledException)
            {
                return new Outcome(raw, null, e);
            }
        }
    }
}
