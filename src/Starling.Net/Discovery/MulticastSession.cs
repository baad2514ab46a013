using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>What a <see cref="MulticastDiscovery"/> has from one opening of its sockets to the next: receive loops that survive every error, and the loop that drives the core.</summary>
internal sealed class MulticastSession : IAsyncDisposable
{
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly MulticastDiscovery _owner;
    private readonly DiscoveryContext _context;
    private readonly MulticastSocket[] _sockets;
    private readonly Channel<Input> _inputs;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<DiscoveryEffect> _effects = [];
    private readonly bool[] _sendFailed;
    private readonly ITimer _timer;
    private Task[] _receiving = [];
    private Task _deciding = Task.CompletedTask;
    private Instant _due = Instant.Never;
    private int _searches;

    /// <summary>Opens the sockets.</summary>
    /// <exception cref="StarlingException">One cannot be opened.</exception>
    public MulticastSession(MulticastDiscovery owner, IReadOnlyList<NetworkFace> faces, IMulticastCore core)
    {
        (_owner, _context, Faces, Core) = (owner, owner.Context, faces, core);
        var sockets = new List<MulticastSocket>();
        try
        {
            foreach (var face in faces) sockets.Add(MulticastSocket.Open(face.Address, owner.Group, owner.Port, owner.TimeToLive, owner.HasReplySocket));
        }
        catch
        {
            sockets.ForEach(one => one.Dispose());
            throw;
        }

        _sockets = [.. sockets];
        _sendFailed = new bool[_sockets.Length];
        _inputs = Channel.CreateBounded<Input>(new BoundedChannelOptions(owner.MaxQueuedPackets) { SingleReader = true });
        _timer = _context.Clock.CreateTimer(static session => ((MulticastSession)session!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public IReadOnlyList<NetworkFace> Faces { get; }

    public IMulticastCore Core { get; }

    /// <summary>Whether the core outlives this session.</summary>
    public bool KeepsCore { get; set; }

    /// <summary>Starts the loops; with a core that is not new, goes on with it.</summary>
    public void Begin(bool isNew)
    {
        _deciding = Task.Run(() => DecideAsync(isNew));
        _receiving =
        [
            .. Enumerable.Range(0, _sockets.Length).Select(face => Task.Run(() => ReceiveAsync(face, isReply: false))),
            .. Enumerable.Range(0, _owner.HasReplySocket ? _sockets.Length : 0).Select(face => Task.Run(() => ReceiveAsync(face, isReply: true))),
        ];
    }

    /// <summary>Makes the loop look at clock, addresses and beacon. A full queue will do so by itself.</summary>
    public void Wake() => _inputs.Writer.TryWrite(default);

    /// <summary>Has the core ask for peers.</summary>
    public void Search()
    {
        Interlocked.Increment(ref _searches);
        Wake();
    }

    /// <summary>Ends the loops and closes the sockets; the core says good-bye unless another session goes on with it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_receiving).ConfigureAwait(false);
        _inputs.Writer.Complete();
        await _deciding.ConfigureAwait(false);
        if (!KeepsCore) await GuardAsync(default, _ => Core.Stop(_effects)).ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        foreach (var socket in _sockets) socket.Dispose();
        _stop.Dispose();
    }

    private async Task ReceiveAsync(int face, bool isReply)
    {
        // One byte more than is allowed shows that a packet is too large.
        var buffer = new byte[Core.MaxPacket + 1];
        var failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var (length, from) = await _sockets[face].ReceiveAsync(buffer, isReply, _stop.Token).ConfigureAwait(false);
                failures = 0;
                _context.Metrics.Received();
                if (from is null) _context.Metrics.Refused("NotMulticast");
                else Enqueue(face, from, buffer.AsSpan(0, length));
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                if (failures++ == 0) DiscoveryLog.ReceiveFailed(_owner.Logger, _owner.Name, Faces[face].Address, error);
                await PauseAsync(failures).ConfigureAwait(false);
            }
        }
    }

    private async Task PauseAsync(int failures)
    {
        var pause = TimeSpan.FromMilliseconds(100) * Math.Pow(2, Math.Min(failures, 10));
        await Task.Delay(pause < LongestPause ? pause : LongestPause, _context.Clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Enqueue(int face, IPEndPoint from, ReadOnlySpan<byte> packet)
    {
        var kept = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.CopyTo(kept);
        if (_inputs.Writer.TryWrite(new Input(face, from, kept, packet.Length))) return;
        ArrayPool<byte>.Shared.Return(kept);
        _context.Metrics.Refused("QueueFull");
    }

    private async Task DecideAsync(bool isNew)
    {
        await GuardAsync(default, _ => Start(isNew)).ConfigureAwait(false);
        await foreach (var input in _inputs.Reader.ReadAllAsync().ConfigureAwait(false)) await GuardAsync(input, Take).ConfigureAwait(false);
    }

    private async Task GuardAsync(Input input, Action<Input> step)
    {
        try
        {
            step(input);
            foreach (var effect in _effects) await CarryOutAsync(effect).ConfigureAwait(false);
        }
        catch (Exception fault)
        {
            DiscoveryLog.Fault(_owner.Logger, _owner.Name, fault);

            // The lost effects may have held the timer.
            _due = _context.Clock.Now();
            SetTimer(_due + TimeSpan.FromSeconds(1));
        }
        finally
        {
            _effects.Clear();
            if (input.Packet is not null) ArrayPool<byte>.Shared.Return(input.Packet);
        }
    }

    private void Start(bool isNew)
    {
        var now = _context.Clock.Now();
        Refresh(now);
        if (isNew)
        {
            Core.Start(now, _effects);
            return;
        }

        Core.Renew(now, _effects);
        Core.Tick(now, _effects);
    }

    private void Take(Input input)
    {
        var now = _context.Clock.Now();
        if (input.Packet is not null) Core.Receive(input.Face, input.From, input.Packet.AsSpan(0, input.Length), now, _effects);
        if (input.Packet is null || _due <= now) Refresh(now);
        if (Interlocked.Exchange(ref _searches, 0) > 0) Core.Search(now, _effects);

        // Looked at after every input, so that a wake-up lost to a full queue is not missed; a timer may also fire a little early.
        if (_due <= now) Core.Tick(now, _effects);
        else if (input.Packet is null) SetTimer(_due);
    }

    private void Refresh(Instant now)
    {
        Core.SetAddresses(_context.Addresses(), now, _effects);
        Core.SetBeacon(_owner.WantsBeacon, _owner.BeaconInterval, now, _effects);
    }

    private async ValueTask CarryOutAsync(DiscoveryEffect effect)
    {
        var name = _owner.Name;
        switch (effect)
        {
            case DiscoveryEffect.Send send:
                await SendAsync(send).ConfigureAwait(false);
                break;
            case DiscoveryEffect.Found found:
                _context.Metrics.Found(name);
                DiscoveryLog.PeerFound(_owner.Logger, name, found.Peer, string.Join(", ", found.Addresses));
                _owner.Feed.Found(new DiscoveredPeer(found.Peer, found.Addresses, name, IsMutual: true));
                break;
            case DiscoveryEffect.Heard heard:
                _owner.Feed.Found(new DiscoveredPeer(heard.Peer, heard.Addresses, name, IsMutual: true));
                break;
            case DiscoveryEffect.Lost lost:
                _context.Metrics.Lost(name);
                DiscoveryLog.PeerLost(_owner.Logger, name, lost.Peer, string.Join(", ", lost.Addresses));
                _owner.Feed.Lost(new DiscoveredPeer(lost.Peer, lost.Addresses, name));
                break;
            case DiscoveryEffect.SetTimer timer:
                _due = timer.At;
                SetTimer(timer.At);
                break;
            case DiscoveryEffect.Refused refused:
                _context.Metrics.Refused(refused.Reason.ToString());
                DiscoveryLog.Refused(_owner.Logger, name, refused.Reason);
                break;
            default:
                throw new InvalidOperationException($"The effect {effect.GetType().Name} is not known.");
        }
    }

    private void SetTimer(Instant at)
    {
        if (at == Instant.Never)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        // Timers count whole milliseconds.
        var wait = Math.Ceiling((at - _context.Clock.Now()).TotalMilliseconds);
        _timer.Change(TimeSpan.FromMilliseconds(Math.Max(0, wait)), Timeout.InfiniteTimeSpan);
    }

    private async ValueTask SendAsync(DiscoveryEffect.Send send)
    {
        try
        {
            await _sockets[send.Interface].SendAsync(send.Packet, send.To, CancellationToken.None).ConfigureAwait(false);
            _context.Metrics.Sent();
            _sendFailed[send.Interface] = false;
        }
        catch (SocketException error)
        {
            if (!_sendFailed[send.Interface]) DiscoveryLog.SendFailed(_owner.Logger, _owner.Name, Faces[send.Interface].Address, error);
            _sendFailed[send.Interface] = true;
        }
    }

    /// <summary>A packet for the core, or, without one, a wake-up.</summary>
    private readonly record struct Input(int Face, IPEndPoint From, byte[]? Packet, int Length);
}
