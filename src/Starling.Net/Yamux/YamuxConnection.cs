using System.Threading.Channels;
using Starling.Net.Transport;
using Starling.Protocols.Yamux;

namespace Starling.Net.Yamux;

/// <summary>A link multiplexed by yamux: the shell around <see cref="YamuxCore"/>.</summary>
/// <remarks>
/// One loop reads. Whoever has something to write while nobody writes becomes the writer, on its own thread, and leaves
/// what others add meanwhile to the pool; the lock is never held across input or output. A reader's code runs on the
/// reading thread only after the next read is armed, so it can never hold up the link.
/// </remarks>
public sealed partial class YamuxConnection : IConnection
{
    private readonly Stream _channel;
    private readonly LinkDescription _link;
    private readonly YamuxOptions _options;
    private readonly TimeProvider _clock;
    private readonly Channel<YamuxStream> _accepts;
    private readonly ITimer _timer;
    private readonly ResourceScope _scope;
    private readonly Action? _endWriting;
    private TaskCompletionSource? _openGate;
    private TaskCompletionSource<TimeSpan>? _ping;

    private YamuxConnection(Stream channel, LinkDescription link, YamuxOptions options, ResourceBudget budget, TimeProvider clock, Action? endWriting)
    {
        _channel = channel;
        _link = link;
        _options = options;
        _clock = clock;
        _endWriting = endWriting;
        _scope = budget.Open(link.RemotePeer);
        Core = new YamuxCore(link.Direction == Direction.Outbound, options, _scope, clock.Now());
        _accepts = Channel.CreateBounded<YamuxStream>(options.AcceptBacklog);
        _onBatchSent = OnBatchSent;
        _timer = clock.CreateTimer(static link => ((YamuxConnection)link!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public PeerId LocalPeer => _link.LocalPeer;

    /// <inheritdoc/>
    public PeerId RemotePeer => _link.RemotePeer;

    /// <inheritdoc/>
    public PublicKey RemoteKey => _link.RemoteKey;

    /// <inheritdoc/>
    public Multiaddr LocalAddress => _link.LocalAddress;

    /// <inheritdoc/>
    public Multiaddr RemoteAddress => _link.RemoteAddress;

    /// <inheritdoc/>
    public Direction Direction => _link.Direction;

    /// <inheritdoc/>
    public string Security => _link.Security;

    /// <inheritdoc/>
    public string Muxer => _link.Muxer;

    /// <inheritdoc/>
    public TimeSpan? RoundTripTime
    {
        get { lock (Gate) return Core.RoundTrip; }
    }

    /// <inheritdoc/>
    public LinkTraffic Traffic
    {
        get
        {
            lock (Gate)
            {
                var counted = Core.Statistics;
                return new LinkTraffic(counted.BytesIn, counted.BytesOut, Core.LastReceived, Core.LastUsed);
            }
        }
    }

    /// <inheritdoc/>
    public int StreamCount
    {
        get { lock (Gate) return Core.StreamCount; }
    }

    /// <summary>What the link has counted so far.</summary>
    public YamuxStatistics Statistics
    {
        get { lock (Gate) return Core.Statistics; }
    }

    /// <summary>The link's lock: guards <see cref="Core"/> and every stream's write.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>The decisions. Touched only under <see cref="Gate"/>.</summary>
    internal YamuxCore Core { get; }

    /// <summary>Starts the multiplexer on an authenticated channel, which the link then owns.</summary>
    /// <param name="channel">A duplex stream, one read and one write at a time; what is written goes out at a flush at the latest.</param>
    /// <param name="link">Who and what is at the ends.</param>
    /// <param name="options">Limits; not changed afterwards.</param>
    /// <param name="budget">The node's budget.</param>
    /// <param name="clock">The node's clock.</param>
    /// <param name="endWriting">Ends the direction to the other side beneath the channel, and no more; called once at most, behind the go-away. Must not throw. Null where it cannot be ended alone.</param>
    public static YamuxConnection Start(Stream channel, LinkDescription link, YamuxOptions options, ResourceBudget budget, TimeProvider clock, Action? endWriting = null)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        var connection = new YamuxConnection(channel, link, options, budget, clock, endWriting);
        connection._readLoop = connection.ReadLoopAsync();
        connection.OnTimer();
        return connection;
    }

    /// <inheritdoc/>
    public async ValueTask<IStream> OpenStreamAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task gate;
            lock (Gate)
            {
                ThrowIfClosed();
                if (Core.CanOpen)
                {
                    var state = Core.Open() ?? throw new StarlingException("The budget of streams, of the node or of this peer, is used up; dispose streams, or raise MaxStreams or Limits:MaxOpenStreamsPerPeer.");
                    var stream = new YamuxStream(this, state);
                    state.Owner = stream;
                    return stream;
                }

                _openGate ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                gate = _openGate.Task;
            }

            await gate.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IStream> AcceptStreamAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            while (true)
            {
                var stream = await _accepts.Reader.ReadAsync(cancellationToken);
                lock (Gate) Core.Accept(stream.State);
                if (!stream.Dead) return stream;
            }
        }
        catch (ChannelClosedException)
        {
            throw new ConnectionClosedException(_why!);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Task<TimeSpan> answer;
        lock (Gate)
        {
            ThrowIfClosed();
            _ping ??= new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
            answer = _ping.Task;
            Core.Ping(_clock.Now());
        }

        OnTimer();
        return await answer.WaitAsync(cancellationToken);
    }

    /// <summary>Credits what the application consumed. A <see cref="Kick"/> sends it.</summary>
    internal void Consumed(YamuxStreamState state, int count)
    {
        lock (Gate) Core.Consumed(state, count, _clock.Now());
    }

    /// <summary>Runs the core's timer and sets it anew.</summary>
    private void OnTimer()
    {
        YamuxEvent? happened;
        lock (Gate)
        {
            if (_why is not null) return;
            var now = _clock.Now();
            happened = Core.OnTimer(now);
            var wait = Core.Deadline - now;
            _timer.Change(wait > MinimumWait ? wait : MinimumWait, Timeout.InfiniteTimeSpan);
        }

        if (happened is { Close: { } why }) BeginClose(why);
        else Kick();
    }

    private static TimeSpan MinimumWait => TimeSpan.FromMilliseconds(10);

    private void ThrowIfClosed()
    {
        if (_why is { } why) throw new ConnectionClosedException(why);
    }
}
