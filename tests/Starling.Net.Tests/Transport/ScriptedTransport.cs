using System.Collections.Concurrent;
using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport;

/// <summary>Dials that end when and as the test says; who connects meets the rig's listener.</summary>
internal sealed class ScriptedTransport(UpgradeRig rig) : ITransport
{
    private readonly ConcurrentDictionary<string, Script> _scripts = new();

    public string Family { get; set; } = "memory";

    public Script this[ulong number] => _scripts.GetOrAdd($"/memory/{number}", _ => new Script(rig));

    public bool CanDial(Multiaddr address) => address.Components[0].Protocol.StartsWith(Family, StringComparison.Ordinal);

    public bool CanListen(Multiaddr address) => false;

    public async ValueTask<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        var bare = address.WithoutPeerId();
        var channel = await _scripts.GetOrAdd(bare.ToString(), _ => new Script(rig)).RunAsync(cancellationToken);
        return new RawConnection(channel, Multiaddr.Memory(99), bare, Direction.Outbound);
    }

    public ValueTask<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>What becomes of the dial of one address.</summary>
    internal sealed class Script(UpgradeRig rig)
    {
        private readonly TaskCompletionSource _started = New();
        private readonly TaskCompletionSource _upgrading = New();
        private readonly TaskCompletionSource<bool> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TroubledStream? _near;
        private ByteDuplexStream? _far;

        public Task Started => _started.Task.WaitAsync(UpgradeRig.Patience, UpgradeRig.Token);

        /// <summary>Completes when the dialler's handshake has begun on the connection.</summary>
        public Task Upgrading => _upgrading.Task.WaitAsync(UpgradeRig.Patience, UpgradeRig.Token);

        public bool HasStarted => _started.Task.IsCompleted;

        public bool WasCancelled { get; private set; }

        public bool Closed => _near is { Disposed: true };

        public Action OnCancel { get; set; } = () => { };

        public void Refuse() => _outcome.TrySetException(new HandshakeException(HandshakeFailure.TransportFailed, "scripted refusal."));

        public void Connect() => _outcome.TrySetResult(true);

        public void ConnectToNobody() => _outcome.TrySetResult(false);

        public void HangUp() => _far!.Dispose();

        public async Task<Stream> RunAsync(CancellationToken cancellationToken)
        {
            _started.TrySetResult();
            try
            {
                var answered = await _outcome.Task.WaitAsync(cancellationToken);
                var (near, far) = ByteDuplexStream.CreatePair();
                (_near, _far) = (new TroubledStream(near) { OnOperation = _ => _upgrading.TrySetResult() }, far);
                if (answered)
                {
                    var raw = new RawConnection(far, Multiaddr.Memory(98), Multiaddr.Memory(99), Direction.Inbound);
                    _ = UpgradeRig.Outcome.OfAsync(raw, rig.Listener.UpgradeAsync(raw, null, CancellationToken.None));
                }

                return _near;
            }
            catch (OperationCanceledException)
            {
                WasCancelled = true;
                OnCancel();
                throw;
            }
        }

        private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
