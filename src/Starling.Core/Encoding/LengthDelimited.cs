using System.Buffers;

namespace Starling;

/// <summary>Messages framed by their length as a varint, as libp2p's protobuf protocols send them.</summary>
/// <remarks>Readers check the announced length against the caller's limit before anything is allocated or waited for.</remarks>
public static class LengthDelimited
{
    /// <summary>Reads one message from the start of the bytes. Call again with more bytes after <see cref="OperationStatus.NeedMoreData"/>.</summary>
    /// <param name="source">The bytes; what follows the message is not looked at.</param>
    /// <param name="maxLength">The longest message, bytes, without its prefix.</param>
    /// <param name="message">The message, a slice of the source.</param>
    /// <param name="consumed">Bytes of prefix and message together, or 0.</param>
    /// <returns><see cref="OperationStatus.InvalidData"/> when the prefix is no minimal varint or announces more than the limit.</returns>
    public static OperationStatus TryRead(ReadOnlySpan<byte> source, int maxLength, out ReadOnlySpan<byte> message, out int consumed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        message = default;
        consumed = 0;
        var status = Varint.TryRead(source, out var length, out var prefix);
        if (status != OperationStatus.Done) return status;
        if (length > (ulong)maxLength) return OperationStatus.InvalidData;
        if ((int)length > source.Length - prefix) return OperationStatus.NeedMoreData;
        message = source.Slice(prefix, (int)length);
        consumed = prefix + (int)length;
        return OperationStatus.Done;
    }

    /// <summary>Reads one message from the start of a sequence and moves the sequence behind it; otherwise leaves it as it is.</summary>
    /// <inheritdoc cref="TryRead(ReadOnlySpan{byte}, int, out ReadOnlySpan{byte}, out int)"/>
    public static OperationStatus TryRead(ref ReadOnlySequence<byte> source, int maxLength, out ReadOnlySequence<byte> message)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        message = default;
        var status = Varint.TryRead(source, out var length, out var prefix);
        if (status != OperationStatus.Done) return status;
        if (length > (ulong)maxLength) return OperationStatus.InvalidData;
        if ((long)length > source.Length - prefix) return OperationStatus.NeedMoreData;
        message = source.Slice(prefix, (long)length);
        source = source.Slice(message.End);
        return OperationStatus.Done;
    }

    /// <summary>Bytes that a message takes with its prefix.</summary>
    public static int FramedLength(int messageLength) => Varint.Length((ulong)messageLength) + messageLength;

    /// <summary>Writes the prefix and the message.</summary>
    public static void Write(IBufferWriter<byte> destination, ReadOnlySpan<byte> message)
    {
        Varint.Write(destination, (ulong)message.Length);
        destination.Write(message);
    }

    /// <summary>Reads exactly one message and not a byte more.</summary>
    /// <param name="stream">Where to read.</param>
    /// <param name="maxLength">The longest message, bytes; as much may be allocated for it.</param>
    /// <param name="cancellationToken">Cancelling may leave part of a message read: reset the stream then.</param>
    /// <returns>The message, or null when the stream ended before its first byte.</returns>
    /// <exception cref="ProtocolViolationException">The prefix is no minimal varint, announces more than the limit, or the stream ended within the message.</exception>
    public static ValueTask<byte[]?> ReadLengthDelimitedAsync(this IStream stream, int maxLength, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return ReadAsync(stream.ReadAsync, maxLength, cancellationToken);
    }

    /// <inheritdoc cref="ReadLengthDelimitedAsync(IStream, int, CancellationToken)"/>
    public static ValueTask<byte[]?> ReadLengthDelimitedAsync(this Stream stream, int maxLength, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return ReadAsync(stream.ReadAsync, maxLength, cancellationToken);
    }

    /// <summary>Writes the prefix and the message in one write.</summary>
    /// <param name="stream">Where to write.</param>
    /// <param name="message">The caller's again when the call has ended.</param>
    /// <param name="cancellationToken">Cancelling may leave part of the message written: reset the stream then.</param>
    public static ValueTask WriteLengthDelimitedAsync(this IStream stream, ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return WriteAsync(stream.WriteAsync, message, cancellationToken);
    }

    /// <inheritdoc cref="WriteLengthDelimitedAsync(IStream, ReadOnlyMemory{byte}, CancellationToken)"/>
    public static ValueTask WriteLengthDelimitedAsync(this Stream stream, ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return WriteAsync(stream.WriteAsync, message, cancellationToken);
    }

    private static async ValueTask<byte[]?> ReadAsync(Func<Memory<byte>, CancellationToken, ValueTask<int>> read, int maxLength, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        var prefix = new byte[Varint.MaxLength];
        ulong length = 0;
        var status = OperationStatus.NeedMoreData;
        for (var at = 0; status == OperationStatus.NeedMoreData; at++)
        {
            if (await read(prefix.AsMemory(at, 1), cancellationToken) == 0)
                return at == 0 ? null : throw new ProtocolViolationException("The stream ended within the length of a message.");
            status = Varint.TryRead(prefix.AsSpan(0, at + 1), out length, out _);
        }

        if (status != OperationStatus.Done) throw new ProtocolViolationException("The length of a message is no minimal varint.");
        if (length > (ulong)maxLength) throw new ProtocolViolationException($"A message of {length} bytes was announced; at most {maxLength} are accepted.");
        var message = new byte[(int)length];
        for (var at = 0; at < message.Length;)
        {
            var count = await read(message.AsMemory(at), cancellationToken);
            if (count == 0) throw new ProtocolViolationException($"The stream ended {at} bytes into a message of {length}.");
            at += count;
        }

        return message;
    }

    private static async ValueTask WriteAsync(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        var frame = ArrayPool<byte>.Shared.Rent(FramedLength(message.Length));
        try
        {
            var prefix = Varint.Write(frame, (ulong)message.Length);
            message.Span.CopyTo(frame.AsSpan(prefix));
            await write(frame.AsMemory(0, prefix + message.Length), cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }
}
