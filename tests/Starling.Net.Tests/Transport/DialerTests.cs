using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport;

public sealed class DialerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly ManualClock _clock = new();
    private readonly ScriptedTransport _transport = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_silent_address_only_costs_its_head_start()
    {
        var dial = Dial("/memory/1", "/memory/2");
        await _transport.Started(1);
        Assert.False(_transport.HasStarted(2));

        _clock.Advance(TimeSpan.FromMilliseconds(250));
        await _transport.Started(2);
        _transport.Succeed(2);

        Assert.Equal("/memory/2", (await dial.WaitAsync(Patience, Token)).RemoteAddress.ToString());
        await _transport.Cancelled(1);
    }

    [Fact]
    public async Task A_refused_address_starts_the_next_at_once()
    {
        var dial = Dial("/memory/1", "/memory/2");
        await _transport.Started(1);
        _transport.Fail(1);
        await _transport.Started(2);
        _transport.Succeed(2);
        await dial.WaitAsync(Patience, Token);
    }

    [Fact]
    public async Task When_all_fail_the_error_names_each_address_with_its_reason()
    {
        var dial = Dial("/memory/1", "/memory/2", "/ip4/127.0.0.1/tcp/1");
        await _transport.Started(1);
        _transport.Fail(1);
        await _transport.Started(2);
        _transport.Fail(2);

        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));
        Assert.Equal(HandshakeFailure.TransportFailed, error.Failure);
        Assert.Contains("/memory/1: scripted", error.Message);
        Assert.Contains("/memory/2: scripted", error.Message);
        Assert.Contains("/ip4/127.0.0.1/tcp/1: no transport", error.Message);
    }

    [Fact]
    public async Task Time_running_out_is_told_as_such_and_frees_every_attempt()
    {
        var dial = Dial("/memory/1", "/memory/2");
        await _transport.Started(1);
        _clock.Advance(TimeSpan.FromMilliseconds(250));
        await _transport.Started(2);
        _clock.Advance(TimeSpan.FromSeconds(15));

        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));
        Assert.Equal(HandshakeFailure.TimedOut, error.Failure);
        await _transport.Cancelled(1);
        await _transport.Cancelled(2);
    }

    [Fact]
    public async Task Cancelling_ends_the_dial_and_every_attempt()
    {
        using var cancel = new CancellationTokenSource();
        var dial = Dialer.DialAsync(null, [Multiaddr.Parse("/memory/1")], cancel.Token);
        await _transport.Started(1);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dial.WaitAsync(Patience, Token));
        await _transport.Cancelled(1);
    }

    [Fact]
    public async Task An_address_of_another_peer_is_not_dialled()
    {
        using var wanted = NodeIdentity.Generate(KeyType.Ecdsa);
        using var other = NodeIdentity.Generate(KeyType.Ecdsa);
        var dial = Dialer.DialAsync(wanted.PeerId, [Multiaddr.Parse("/memory/1").WithPeerId(other.PeerId)], Token);
        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));
        Assert.Equal(HandshakeFailure.PeerIdMismatch, error.Failure);
        Assert.False(_transport.HasStarted(1));
    }

    [Fact]
    public async Task No_address_at_all_is_an_error() =>
        await Assert.ThrowsAsync<HandshakeException>(() => Dialer.DialAsync(null, [], Token));

    [Fact]
    public async Task Dnsaddr_is_refused_with_advice()
    {
        var dial = Dialer.DialAsync(null, [Multiaddr.Parse("/dnsaddr/bootstrap.example")], Token);
        var error = await Assert.ThrowsAsync<HandshakeException>(() => dial.WaitAsync(Patience, Token));
        Assert.Contains("dnsaddr", error.Message);
    }

    private Dialer Dialer => new([_transport], _transport.UpgradeAsync, clock: _clock);

    private Task<IConnection> Dial(params string[] addresses) => Dialer.DialAsync(null, [.. addresses.Select(Multiaddr.Parse)], Token);

    /// <summary>Attempts that end when the test says so.</summary>
    private sealed class ScriptedTransport : ITransport
    {
        private readonly Dictionary<string, Script> _scripts = [];

        public Task Started(int number) => Of(number).Started.Task.WaitAsync(Patience, Token);

        public Task Cancelled(int number) => Of(number).Cancelled.Task.WaitAsync(Patience, Token);

        public bool HasStarted(int number) => Of(number).Started.Task.IsCompleted;

        public void Succeed(int number) => Of(number).Outcome.TrySetResult();

        public void Fail(int number) => Of(number).Outcome.TrySetException(new HandshakeException(HandshakeFailure.TransportFailed, "scripted."));

        public bool CanDial(Multiaddr address) => address.Components[0].Protocol == "memory";

        public bool CanListen(Multiaddr address) => false;

        public async ValueTask<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
        {
            var script = Of(address.WithoutPeerId().ToString());
            script.Started.TrySetResult();
            try
            {
                await script.Outcome.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                script.Cancelled.TrySetResult();
                throw;
            }

            return new RawConnection(Stream.Null, address, address, Direction.Outbound);
        }

        public ValueTask<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<IConnection> UpgradeAsync(RawConnection raw, PeerId? expected, CancellationToken cancellationToken) =>
            Task.FromResult<IConnection>(new DialledConnection(raw.RemoteAddress));

        private Script Of(int number) => Of($"/memory/{number}");

        private Script Of(string address)
        {
            lock (_scripts)
            {
                if (!_scripts.TryGetValue(address, out var script)) _scripts.Add(address, script = new Script());
                return script;
            }
        }

        private sealed class Script
        {
            public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

            public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

            public TaskCompletionSource Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private sealed class DialledConnection(Multiaddr remote) : IConnection
    {
        public PeerId LocalPeer => throw new NotSupportedException();

        public PeerId RemotePeer => throw new NotSupportedException();

        public PublicKey RemoteKey => throw new NotSupportedException();

        public Multiaddr LocalAddress => throw new NotSupportedException();

        public Multiaddr RemoteAddress => remote;

        public Direction Direction => Direction.Outbound;

        public string Security => string.Empty;

        public string Muxer => string.Empty;

        public TimeSpan? RoundTripTime => null;

        public int StreamCount => 0;

        public Task<CloseInfo> Closed => throw new NotSupportedException();

        public ValueTask<IStream> OpenStreamAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<IStream> AcceptStreamAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task CloseAsync(CloseInfo why, CancellationToken cancellationToken = default) => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
