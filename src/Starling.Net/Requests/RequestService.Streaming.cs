using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using Starling.Net.Transport;
using Starling.Protocols.Requests;

namespace Starling.Net.Requests;

/// <content>Calling for a streamed reply.</content>
public sealed partial class RequestService
{
    /// <summary>Calls a handler on a linked peer and reads its answer item by item, as it comes.</summary>
    /// <remarks>The call is made when the sequence is first asked for an item, each time that it is enumerated. A reader that is slow slows the
    /// handler down. Leaving the loop early ends the handler. A handler that answers with one reply gives a sequence of one.</remarks>
    /// <param name="peer">Who is to answer. There must be a link.</param>
    /// <param name="name">The handler's name there.</param>
    /// <param name="payload">Sent as it is. Not to be changed until the first item has come.</param>
    /// <param name="timeout">For how long the whole answer may take; the peer is told. Null sets no limit.</param>
    /// <param name="cancellationToken">Ends the handler and the sequence.</param>
    /// <returns>The items; each is the reader's to keep.</returns>
    /// <exception cref="RequestException">There is no answer, or no more of it; thrown to the reader.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> StreamAsync(
        PeerId peer, string name, ReadOnlyMemory<byte> payload = default, TimeSpan? timeout = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var reply = new StreamedReply(this, peer, name, timeout ?? Timeout.InfiniteTimeSpan, cancellationToken);
        try
        {
            await reply.CallAsync(payload);
            while (await reply.NextAsync() is { } item) yield return item;
        }
        finally
        {
            await reply.DisposeAsync();
        }
    }

    /// <summary>One enumeration: the call, its stream, its deadline, its place in the metrics.</summary>
    private sealed class StreamedReply : IAsyncDisposable
    {
        private readonly RequestService _service;
        private readonly PeerRequests _calls;
        private readonly string _name;
        private readonly byte[] _nameBytes;
        private readonly Instant _deadline;
        private readonly Deadline _until;
        private readonly CancellationToken _caller;
        private readonly Activity? _activity;
        private readonly long _started;
        private ReplyStream? _stream;
        private bool _hasTurn;
        private RequestFailure _failure;

        public StreamedReply(RequestService service, PeerId peer, string name, TimeSpan timeout, CancellationToken caller)
        {
            caller.ThrowIfCancellationRequested();
            (_service, _name, _caller) = (service, name, caller);
            _nameBytes = Encoding.UTF8.GetBytes(service.Check(name));
            _deadline = service.DeadlineOf(timeout);
            _calls = service.CallsTo(peer);
            _started = service.Clock.GetTimestamp();
            _activity = RequestTracing.StartClient(name, peer);
            _until = new Deadline(timeout, service.Clock, caller);
        }

        public Task CallAsync(ReadOnlyMemory<byte> payload)
        {
            _service.CheckSize(payload.Length);
            return GuardAsync(async () =>
            {
                var turn = _calls.Replies.Turns;
                _hasTurn = turn.Wait(0, CancellationToken.None);
                if (!_hasTurn) await _service.WaitForTurnAsync(turn, _until.Token);
                _hasTurn = true;
                _stream = await _calls.Replies.CallAsync(_name, (stream, cancelled) => SendAsync(stream, payload, cancelled), _until.Token);
                return true;
            });
        }

        public Task<ReadOnlyMemory<byte>?> NextAsync() => GuardAsync(async () => await _stream!.NextAsync(_until.Token));

        public async ValueTask DisposeAsync()
        {
            if (_stream is { } stream)
            {
                // The reader left early: the peer learns it by the reset.
                if (stream.InCall && _failure == RequestFailure.None) _failure = RequestFailure.Cancelled;
                await _calls.Replies.GiveAsync(stream);
            }

            if (_hasTurn) _calls.Replies.Turns.Release();
            _until.Dispose();
            RequestTracing.End(_activity, _failure);
            _activity?.Dispose();
            _service.Metrics.Called(_failure, _service.Clock.GetElapsedTime(_started));
        }

        private ValueTask SendAsync(ReplyStream stream, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            var trace = new byte[RequestLimits.TraceParentBytes];
            var length = RequestTracing.Write(_activity, trace);
            return stream.CallAsync(_nameBytes, _service.MillisecondsUntil(_deadline), trace.AsMemory(0, length), payload, cancellationToken);
        }

        private async Task<T> GuardAsync<T>(Func<Task<T>> work)
        {
            try
            {
                return await work();
            }
            catch (RequestException error)
            {
                _failure = error.Failure;
                throw;
            }
            catch (OperationCanceledException over) when (_until.IsOver)
            {
                _failure = RequestFailure.Timeout;
                throw new RequestException(RequestFailure.Timeout, $"{_calls.Link.Peer} did not complete its answer in time.", over);
            }
            catch (OperationCanceledException cancelled)
            {
                _failure = RequestFailure.Cancelled;
                throw new OperationCanceledException("The request was cancelled.", cancelled, _caller);
            }
            catch (Exception error) when (error is StarlingException or IOException or TimeoutException or ObjectDisposedException)
            {
                var lost = (RequestException)RequestErrors.OfStream(_calls.Link, error)();
                _failure = lost.Failure;
                throw lost;
            }
        }
    }
}
