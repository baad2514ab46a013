using System.Buffers;
using System.Net.Sockets;
using System.Threading.Channels;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

public sealed partial class MdnsDiscovery
{
    /// <summary>What exists from one start to the next stop.</summary>
    private sealed class Session : IAsyncDisposable
    {
        private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

        private readonly MdnsDiscovery _owner;
        private readonly MulticastSocket[] _sockets;
        private readonly Channel<Input> _inputs;
        private readonly CancellationTokenSource _stop = new();
        private readonly List<MdnsEffect> _effects = [];
        private readonly bool[] _sendFailed;
        private readonly ITimer _timer;
        private readonly Task[] _receiving;
        private readonly Task _deciding;
        private Instant _due = Instant.Never;

        public Session(MdnsDiscovery owner)
        {
            _owner = owner;
            var options = owner._options;
            var sockets = new List<MulticastSocket>();
            try
            {
                foreach (var face in options.Interfaces) sockets.Add(MulticastSocket.Open(face, Group, options.Port));
            }
            catch
            {
                sockets.ForEach(one => one.Dispose());
                throw;
            }

            _sockets = [.. sockets];
            _sendFailed = new bool[_sockets.Length];
            _inputs = Channel.CreateBounded<Input>(new BoundedChannelOptions(options.MaxQueuedPackets) { SingleReader = true });
            Core = new MdnsCore(owner._self, options.Protocol, [.. options.Interfaces.Select(one => new MdnsInterface(one))], owner._random);
            DiscoveryLog.MdnsStarted(owner._logger, Core.PeerName, options.Protocol.ServiceName, string.Join(", ", options.Interfaces));
            _timer = owner._clock.CreateTimer(static session => ((Session)session!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _deciding = Task.Run(DecideAsync);
            _receiving = [.. Enumerable.Range(0, _sockets.Length).Select(face => Task.Run(() => ReceiveAsync(face)))];
        }

        public MdnsCore Core { get; }

        /// <summary>Makes the loop look at clock and addresses. A full queue will do so by itself.</summary>
        public void Wake() => _inputs.Writer.TryWrite(default);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(_receiving).ConfigureAwait(false);
            _inputs.Writer.Complete();
            await _deciding.ConfigureAwait(false);
            await _timer.DisposeAsync().ConfigureAwait(false);
            foreach (var socket in _sockets) socket.Dispose();
            _stop.Dispose();
        }

        private async Task ReceiveAsync(int face)
        {
            // One byte more than is allowed shows that a packet is too large.
            var buffer = new byte[DnsMessage.MaxPacket + 1];
            var failures = 0;
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    var length = await _sockets[face].ReceiveAsync(buffer, _stop.Token).ConfigureAwait(false);
                    failures = 0;
                    _owner._metrics.Received();
                    if (length < 0) _owner._metrics.Refused("NotMulticast");
                    else Enqueue(face, buffer.AsSpan(0, length));
                }
                catch (OperationCanceledException) when (_stop.IsCancellationRequested)
                {
                    return;
                }
                catch (Exception error)
                {
                    if (failures++ == 0) DiscoveryLog.MdnsReceiveFailed(_owner._logger, _owner._options.Interfaces[face].ToString(), error);
                    await PauseAsync(failures).ConfigureAwait(false);
                }
            }
        }

        private async Task PauseAsync(int failures)
        {
            var pause = TimeSpan.FromMilliseconds(100) * Math.Pow(2, Math.Min(failures, 10));
            await Task.Delay(pause < LongestPause ? pause : LongestPause, _owner._clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        private void Enqueue(int face, ReadOnlySpan<byte> packet)
        {
            var kept = ArrayPool<byte>.Shared.Rent(packet.Length);
            packet.CopyTo(kept);
            if (_inputs.Writer.TryWrite(new Input(face, kept, packet.Length))) return;
            ArrayPool<byte>.Shared.Return(kept);
            _owner._metrics.Refused("QueueFull");
        }

        private async Task DecideAsync()
        {
            await GuardAsync(default, Start).ConfigureAwait(false);
            await foreach (var input in _inputs.Reader.ReadAllAsync().ConfigureAwait(false)) await GuardAsync(input, Take).ConfigureAwait(false);
            await GuardAsync(default, _ => Core.Stop(_effects)).ConfigureAwait(false);
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
                DiscoveryLog.MdnsFault(_owner._logger, fault);

                // The lost effects may have held the timer.
                _due = _owner._clock.Now();
                SetTimer(_due + TimeSpan.FromSeconds(1));
            }
            finally
            {
                _effects.Clear();
                if (input.Packet is not null) ArrayPool<byte>.Shared.Return(input.Packet);
            }
        }

        private void Start(Input none)
        {
            var now = _owner._clock.Now();
            Core.SetAddresses(_owner._listening(), now, _effects);
            Core.Start(now, _effects);
        }

        private void Take(Input input)
        {
            var now = _owner._clock.Now();
            if (input.Packet is not null) Core.Receive(input.Face, input.Packet.AsSpan(0, input.Length), now, _effects);
            if (input.Packet is null || _due <= now) Core.SetAddresses(_owner._listening(), now, _effects);

            // Looked at after every input, so that a wake-up lost to a full queue is not missed; a timer may also fire a little early.
            if (_due <= now) Core.Tick(now, _effects);
            else if (input.Packet is null) SetTimer(_due);
        }

        private async ValueTask CarryOutAsync(MdnsEffect effect)
        {
            var owner = _owner;
            switch (effect)
            {
                case MdnsEffect.Send send:
                    await SendAsync(send).ConfigureAwait(false);
                    break;
                case MdnsEffect.Found found:
                    owner._metrics.Found(owner.Name);
                    DiscoveryLog.PeerFound(owner._logger, owner.Name, found.Peer, string.Join(", ", found.Addresses));
                    owner._feed.Found(new DiscoveredPeer(found.Peer, found.Addresses, owner.Name, IsMutual: true));
                    break;
                case MdnsEffect.Lost lost:
                    owner._metrics.Lost(owner.Name);
                    DiscoveryLog.PeerLost(owner._logger, owner.Name, lost.Peer);
                    owner._feed.Lost(lost.Peer);
                    break;
                case MdnsEffect.SetTimer timer:
                    _due = timer.At;
                    SetTimer(timer.At);
                    break;
                case MdnsEffect.Refused refused:
                    owner._metrics.Refused(refused.Reason.ToString());
                    DiscoveryLog.MdnsRefused(owner._logger, refused.Reason);
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
            var wait = Math.Ceiling((at - _owner._clock.Now()).TotalMilliseconds);
            _timer.Change(TimeSpan.FromMilliseconds(Math.Max(0, wait)), Timeout.InfiniteTimeSpan);
        }

        private async ValueTask SendAsync(MdnsEffect.Send send)
        {
            try
            {
                await _sockets[send.Interface].SendAsync(send.Packet, CancellationToken.None).ConfigureAwait(false);
                _owner._metrics.Sent();
                _sendFailed[send.Interface] = false;
            }
            catch (SocketException error)
            {
                if (!_sendFailed[send.Interface]) DiscoveryLog.MdnsSendFailed(_owner._logger, _owner._options.Interfaces[send.Interface].ToString(), error);
                _sendFailed[send.Interface] = true;
            }
        }
    }

    /// <summary>A packet for the core, or, without one, a wake-up.</summary>
    private readonly record struct Input(int Face, byte[]? Packet, int Length);
}
