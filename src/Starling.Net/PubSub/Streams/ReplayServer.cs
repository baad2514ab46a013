using System.Buffers;
using System.Collections.Concurrent;
using Starling.Net.Links;
using Starling.Protocols.Streams;

namespace Starling.Net.PubSub.Streams;

/// <summary>Answers neighbours from the logs over <c>/starling/replay/1.0.0</c>, bounded in requests, bytes and answers at once.</summary>
internal sealed class ReplayServer : IDisposable
{
    private const int ChunkBytes = 64 << 10;
    private static readonly TimeSpan RatePeriod = TimeSpan.FromSeconds(10);
    private readonly StreamTopics _topics;
    private readonly TopicSetting _setting;
    private readonly ILinkHost _host;
    private readonly ConcurrentDictionary<PeerId, ReplayShare> _shares = new();
    private readonly IDisposable? _registration;
    private int _serving;

    public ReplayServer(ILinkHost host, StreamTopics topics, TopicSetting setting)
    {
        (_host, _topics, _setting) = (host, topics, setting);
        if (topics.Options.ServeReplay) _registration = host.Handle(ReplayCodec.Protocol, ServeAsync, maxInboundPerPeer: 8);
    }

    public void Dispose() => _registration?.Dispose();

    private async Task ServeAsync(IStream stream, CancellationToken cancellationToken)
    {
        var peer = stream.Connection.RemotePeer;
        using var time = new CancellationTokenSource(_topics.Options.ReplayTimeout, _setting.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken, _topics.Stopping);
        try
        {
            var body = await stream.ReadLengthDelimitedAsync(ReplayCodec.MaxRequest, either.Token).ConfigureAwait(false);
            var request = body is null ? null : ReplayCodec.ReadRequest(body);
            if (request is null) throw new ProtocolViolationException("the request for a replay is none");
            await AnswerAsync(stream, peer, request, either.Token).ConfigureAwait(false);
        }
        catch (ProtocolViolationException error)
        {
            Fail(peer, error.Message);
            stream.Reset();
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
        {
            Fail(peer, "it did not read in time");
            stream.Reset();
        }
        catch (StarlingException error)
        {
            Fail(peer, error.Message);
            throw;
        }
    }

    private void Fail(PeerId peer, string why)
    {
        _setting.Metrics.ReplayAnswered(null);
        _setting.Log.ReplayFailed(peer, why);
    }

    private async Task AnswerAsync(IStream stream, PeerId peer, ReplayRequest request, CancellationToken cancellationToken)
    {
        var isTurn = Interlocked.Increment(ref _serving) <= _topics.Options.MaxReplays;
        try
        {
            if (!isTurn || !ShareOf(peer).TryTake(_setting.Clock.Now()))
            {
                await EndAsync(stream, ReplayStatus.Busy, cancellationToken).ConfigureAwait(false);
                return;
            }

            var topic = _topics.Find(request.IsLink, request.Topic);
            if (topic is null || !_topics.IsMember(topic.Topic, peer))
            {
                await EndAsync(stream, ReplayStatus.Refused, cancellationToken).ConfigureAwait(false);
                return;
            }

            var status = await WriteAsync(stream, topic.Read(request), cancellationToken).ConfigureAwait(false);
            await EndAsync(stream, status, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _serving);
        }
    }

    private async Task<ReplayStatus> WriteAsync(IStream stream, IReadOnlyList<StreamBundle> bundles, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            var (at, left) = (0, (long)_topics.Options.MaxReplayBytes);
            foreach (var bundle in bundles)
            {
                var encoded = bundle.Message.Encoded;
                var size = ReplayCodec.SizeOfBundle(encoded.Length);
                if ((left -= size) < 0) return await FlushAsync(ReplayStatus.Truncated).ConfigureAwait(false);
                if (at > 0 && at + size > buffer.Length) await FlushAsync(ReplayStatus.Done).ConfigureAwait(false);
                if (size > buffer.Length)
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = ArrayPool<byte>.Shared.Rent(size);
                }

                at += ReplayCodec.WriteBundle(buffer.AsSpan(at), encoded.Span);
            }

            return await FlushAsync(ReplayStatus.Done).ConfigureAwait(false);

            async ValueTask<ReplayStatus> FlushAsync(ReplayStatus status)
            {
                if (at > 0) await stream.WriteAsync(buffer.AsMemory(0, at), cancellationToken).ConfigureAwait(false);
                at = 0;
                return status;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task EndAsync(IStream stream, ReplayStatus status, CancellationToken cancellationToken)
    {
        _setting.Metrics.ReplayAnswered(status);
        await stream.WriteAsync(ReplayCodec.WriteEnd(status), cancellationToken).ConfigureAwait(false);
        await stream.CloseWriteAsync(cancellationToken).ConfigureAwait(false);
    }

    private ReplayShare ShareOf(PeerId peer)
    {
        // Only those who are linked keep a share.
        foreach (var gone in _shares.Keys.Where(known => _shares.Count > 256 && _host.Find(known) is null)) _shares.TryRemove(gone, out _);
        return _shares.GetOrAdd(peer, _ => new ReplayShare(_topics.Options.MaxReplayRequests, RatePeriod));
    }

    /// <summary>What one neighbour may ask: a bucket that leaks empty within the period.</summary>
    private sealed class ReplayShare(int most, TimeSpan period)
    {
        private readonly Lock _gate = new();
        private double _level;
        private Instant _last;

        public bool TryTake(Instant now)
        {
            lock (_gate)
            {
                _level = Math.Max(0, _level - ((now - _last) / period * most)) + 1;
                _last = now;
                if (_level <= most) return true;
                _level = most;
                return false;
            }
        }
    }
}
