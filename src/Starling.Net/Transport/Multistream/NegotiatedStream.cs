using Starling.Protocols.Transport;

namespace Starling.Net.Transport;

/// <summary>A stream whose protocol is taken for granted: the proposal travels with the first payload, the answer is read before the first result.</summary>
/// <remarks>Once the answer is in, every call goes straight to the stream underneath. A refusal resets that stream, and every
/// later call reports <see cref="ProtocolNotSupportedException"/>. Closing the write side sends the end at once and then waits
/// for the answer, so that success is never claimed for bytes that nobody took.</remarks>
public sealed class NegotiatedStream : IStream
{
    /// <summary>Payload that is copied behind the proposal so that both leave in one frame.</summary>
    private const int MaxJoined = 16 << 10;

    private readonly IStream _inner;
    private readonly string _protocol;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SemaphoreSlim _answering = new(1, 1);
    private readonly byte[] _messages;
    private byte[] _answer = [];
    private int _sent;
    private int _answered;
    private volatile bool _proposed;
    private volatile bool _agreed;
    private Func<Exception>? _refusal;

    internal NegotiatedStream(IStream inner, string protocol, TimeSpan timeout, TimeProvider clock)
    {
        _inner = inner;
        _protocol = protocol;
        _timeout = timeout;
        _clock = clock;
        _messages = MultistreamMessage.Encode(MultistreamMessage.Header, protocol);
        inner.Protocol = protocol;
    }

    /// <inheritdoc/>
    public uint Id => _inner.Id;

    /// <inheritdoc/>
    public Direction Direction => _inner.Direction;

    /// <inheritdoc/>
    public string? Protocol
    {
        get => _inner.Protocol;
        set => _inner.Protocol = value;
    }

    /// <inheritdoc/>
    public StreamPriority Priority
    {
        get => _inner.Priority;
        set => _inner.Priority = value;
    }

    /// <inheritdoc/>
    public IConnection Connection => _inner.Connection;

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _agreed ? _inner.ReadAsync(buffer, cancellationToken) : ReadFirstAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        _proposed && _refusal is null ? _inner.WriteAsync(data, cancellationToken) : WriteFirstAsync(data, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask CloseWriteAsync(CancellationToken cancellationToken = default)
    {
        if (!_proposed) await WriteFirstAsync(ReadOnlyMemory<byte>.Empty, cancellationToken);

        // The wait for the answer begins before the end is sent: a listener that refuses may reset right behind its answer, and only a reader that waits is sure to see it.
        var agreed = _agreed ? Task.CompletedTask : AgreeAsync(cancellationToken).AsTask();
        await Task.WhenAll(agreed, CloseInnerAsync(cancellationToken));
    }

    /// <inheritdoc/>
    public void Reset() => _inner.Reset();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    /// <summary>Waits until the peer has agreed, once something was written.</summary>
    /// <exception cref="ProtocolNotSupportedException">It has not.</exception>
    internal ValueTask AgreedAsync(CancellationToken cancellationToken) => _agreed ? ValueTask.CompletedTask : AgreeAsync(cancellationToken);

    private async Task CloseInnerAsync(CancellationToken cancellationToken) => await _inner.CloseWriteAsync(cancellationToken);

    private async ValueTask<int> ReadFirstAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (!_proposed) await WriteFirstAsync(ReadOnlyMemory<byte>.Empty, cancellationToken);
        await AgreeAsync(cancellationToken);
        return await _inner.ReadAsync(buffer, cancellationToken);
    }

    private async ValueTask WriteFirstAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _refusal) is { } refused) throw refused();
        var rest = await ProposeOnceAsync(data, cancellationToken);
        if (rest.IsEmpty) return;
        try
        {
            await _inner.WriteAsync(rest, cancellationToken);
        }
        catch (WriteCanceledException cancelled)
        {
            // What left with the proposal counts as well.
            throw new WriteCanceledException(data.Length - rest.Length + cancelled.BytesAccepted, cancellationToken);
        }
    }

    /// <summary>Proposes unless somebody has, and returns what is left of the payload.</summary>
    private async ValueTask<ReadOnlyMemory<byte>> ProposeOnceAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        try
        {
            await _writing.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            throw new WriteCanceledException(0, cancellationToken);
        }

        try
        {
            return _proposed ? data : await ProposeAsync(data, cancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Sends the proposal with the beginning of the payload, and returns the rest of the payload.</summary>
    private async ValueTask<ReadOnlyMemory<byte>> ProposeAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var joined = Math.Min(data.Length, MaxJoined);
        var proposal = _messages.Length - _sent;
        var frame = new byte[proposal + joined];
        _messages.AsSpan(_sent).CopyTo(frame);
        data[..joined].CopyTo(frame.AsMemory(proposal));
        try
        {
            await _inner.WriteAsync(frame, cancellationToken);
        }
        catch (WriteCanceledException cancelled)
        {
            // What was accepted of the proposal is not sent twice; the rest goes out with the next write.
            var ofProposal = (int)Math.Min(cancelled.BytesAccepted, proposal);
            _sent += ofProposal;
            _proposed = _sent == _messages.Length;
            throw new WriteCanceledException(cancelled.BytesAccepted - ofProposal, cancellationToken);
        }

        _proposed = true;
        return data[joined..];
    }

    /// <summary>Reads the answer, once; a cancelled wait leaves the rest of it to the next.</summary>
    private async ValueTask AgreeAsync(CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(_timeout, _clock, cancellationToken);
        try
        {
            await _answering.WaitAsync(deadline.Token);
            try
            {
                if (Volatile.Read(ref _refusal) is { } refused) throw refused();
                if (!_agreed) await ReadAnswerAsync(deadline.Token);
            }
            finally
            {
                _answering.Release();
            }
        }
        catch (OperationCanceledException) when (deadline.IsOver)
        {
            throw Refuse(() => new TimeoutException($"The peer did not answer the proposal of {_protocol} within {_timeout.TotalSeconds:0.#} s."));
        }
    }

    private async ValueTask ReadAnswerAsync(CancellationToken cancellationToken)
    {
        if (_answer.Length == 0) _answer = new byte[_messages.Length];

        // As long as the bytes are those of the expected answer, asking for all of it reads none behind it.
        while (_answered < _answer.Length)
        {
            var read = await _inner.ReadAsync(_answer.AsMemory(_answered), cancellationToken);
            if (read == 0) throw Refuse(() => new EndOfStreamException($"The peer ended the stream instead of answering {_protocol}."));
            _answered += read;
            Judge();
        }

        _agreed = true;
        _answer = [];
    }

    private void Judge()
    {
        var got = _answer.AsSpan(0, _answered);
        if (_messages.AsSpan().StartsWith(got)) return;
        var header = MultistreamMessage.SizeOf(MultistreamMessage.Header);
        ReadOnlySpan<byte> refusal = [3, (byte)'n', (byte)'a', (byte)'\n'];
        var behind = got.Length > header && got.StartsWith(_messages.AsSpan(0, header)) ? got[header..] : default;
        if (behind.Length < refusal.Length && !behind.IsEmpty && refusal.StartsWith(behind)) return;
        throw Refuse(behind.StartsWith(refusal)
            ? () => new ProtocolNotSupportedException([_protocol])
            : () => new ProtocolViolationException($"The peer answered the proposal of {_protocol} with something else."));
    }

    private Exception Refuse(Func<Exception> refusal)
    {
        Volatile.Write(ref _refusal, refusal);
        _inner.Reset();
        return refusal();
    }
}
