using System.Buffers;
using Starling.Protocols.Transport;

namespace Starling.Net.Transport;

/// <summary>Reads exactly the bytes of each message, so that what follows belongs to the protocol that was agreed.</summary>
internal sealed class MultistreamReader<TChannel>(TChannel channel)
    where TChannel : struct, IByteChannel
{
    // Not pooled: a read that was cancelled or abandoned may still hold it.
    private byte[] _buffer = new byte[128];
    private int _count;

    /// <summary>Starts the next message by its first byte; false when the channel ended there.</summary>
    public async ValueTask<bool> BeginAsync(CancellationToken cancellationToken)
    {
        var read = await channel.ReadAsync(_buffer.AsMemory(0, 1), cancellationToken);
        _count = read;
        return read > 0;
    }

    /// <summary>The rest of the message that <see cref="BeginAsync"/> started.</summary>
    /// <exception cref="ProtocolViolationException">It is malformed.</exception>
    /// <exception cref="EndOfStreamException">The channel ended within it.</exception>
    public async ValueTask<string> FinishAsync(CancellationToken cancellationToken)
    {
        int length, prefix;
        OperationStatus status;
        while ((status = MultistreamMessage.ReadLength(_buffer.AsSpan(0, _count), out length, out prefix)) == OperationStatus.NeedMoreData)
            await FillAsync(_count + 1, cancellationToken);
        if (status != OperationStatus.Done) throw new ProtocolViolationException("The peer sent a multistream-select message of an invalid length.");
        await FillAsync(prefix + length, cancellationToken);
        return MultistreamMessage.TryReadText(_buffer.AsSpan(prefix, length), out var text)
            ? text!
            : throw new ProtocolViolationException("The peer sent a multistream-select message that is not a line of text.");
    }

    /// <summary>The next message, or null when the channel ended before it.</summary>
    public async ValueTask<string?> ReadAsync(CancellationToken cancellationToken) =>
        await BeginAsync(cancellationToken) ? await FinishAsync(cancellationToken) : null;

    private async ValueTask FillAsync(int count, CancellationToken cancellationToken)
    {
        if (count > _buffer.Length) Array.Resize(ref _buffer, MultistreamMessage.MaxPrefix + MultistreamMessage.MaxLength);
        while (_count < count)
        {
            var read = await channel.ReadAsync(_buffer.AsMemory(_count, count - _count), cancellationToken);
            if (read == 0) throw new EndOfStreamException("The peer ended the channel within a multistream-select message.");
            _count += read;
        }
    }
}
