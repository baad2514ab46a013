using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport;

public sealed class TcpAcceptorTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly PausingClock _clock = new();
    private readonly CountedMetrics _metrics = new();
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Queue<SocketError> _errors = new();
    private readonly TcpAcceptor _acceptor;

    public TcpAcceptorTests()
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _socket.Listen(4);
        _acceptor = new TcpAcceptor(_socket, dualStack: false, new TcpTransportOptions(), _clock, _metrics.Metrics, NullLogger.Instance, AcceptAsync);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Accepting_goes_on_after_the_process_ran_out_of_handles()
    {
        SocketError[] errors = [SocketError.TooManyOpenSockets, SocketError.NoBufferSpaceAvailable, SocketError.ConnectionAborted];
        foreach (var error in errors) _errors.Enqueue(error);

        var accepting = _acceptor.AcceptAsync(Token).AsTask();
        TimeSpan[] pauses = [TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(40)];
        foreach (var pause in pauses)
        {
            Assert.Equal(pause, await _clock.NextPauseAsync(Token).AsTask().WaitAsync(Patience, Token));
            _clock.Manual.Advance(pause);
        }

        using var dialler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await dialler.ConnectAsync(_socket.LocalEndPoint!, Token);
        await using var accepted = await accepting.WaitAsync(Patience, Token);
        Assert.NotNull(accepted);
        Assert.Equal((errors.Length, 1), (_metrics["accept.failures"], _metrics["accepts"]));
    }

    [Fact]
    public async Task Disposing_ends_an_accept_that_pauses_after_a_failure()
    {
        _errors.Enqueue(SocketError.TooManyOpenSockets);
        var accepting = _acceptor.AcceptAsync(Token).AsTask();
        await _clock.NextPauseAsync(Token).AsTask().WaitAsync(Patience, Token);
        await _acceptor.DisposeAsync();
        Assert.Null(await accepting.WaitAsync(Patience, Token));
    }

    public async ValueTask DisposeAsync()
    {
        await _acceptor.DisposeAsync();
        _metrics.Dispose();
        _socket.Dispose();
    }

    private ValueTask<Socket> AcceptAsync(CancellationToken cancellationToken) =>
        _errors.TryDequeue(out var error) ? throw new SocketException((int)error) : _socket.AcceptAsync(cancellationToken);

    /// <summary>A manual clock that tells when somebody begins to wait, and for how long.</summary>
    private sealed class PausingClock : TimeProvider
    {
        private readonly Channel<TimeSpan> _pauses = Channel.CreateBounded<TimeSpan>(16);

        public ManualClock Manual { get; } = new();

        public override long TimestampFrequency => Manual.TimestampFrequency;

        public override long GetTimestamp() => Manual.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => Manual.GetUtcNow();

        public ValueTask<TimeSpan> NextPauseAsync(CancellationToken cancellationToken) => _pauses.Reader.ReadAsync(cancellationToken);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = Manual.CreateTimer(callback, state, dueTime, period);
            Assert.True(_pauses.Writer.TryWrite(dueTime));
            return timer;
        }
    }
}
