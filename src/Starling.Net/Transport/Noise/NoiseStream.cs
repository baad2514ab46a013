using Starling.Protocols.Noise;

namespace Starling.Net.Transport.Noise;

/// <summary>The plaintext side of a Noise session: a byte stream cut into encrypted messages of up to 64 KiB.</summary>
/// <remarks>
/// <para>Writing. While the <see cref="LinkStream"/> below flushes by itself every write is sent at once. With its
/// <see cref="LinkStream.AutoFlush"/> off, writes gather, so that a header and its payload share one message, until
/// <see cref="FlushAsync"/> sends them; two full messages are sent without being asked. Each byte is copied once and encrypted in place.</para>
/// <para>Reading. A message is decrypted straight into the caller's buffer when that is large enough. A read with an empty buffer
/// waits until a message or the end is there. The end of the raw stream between two messages reads as 0 and within one is an
/// <see cref="EndOfStreamException"/>: Noise has no good-bye of its own.</para>
/// <para>A message that fails its authentication ends both directions for good with <see cref="ProtocolViolationException"/>.</para>
/// <para>One read and one write at a time. Cancelling a read loses nothing; a token is honoured before a write starts and never
/// after. Disposing disposes the raw stream.</para>
/// </remarks>
public sealed partial class NoiseStream : Stream
{
    private readonly Stream _raw;
    private readonly LinkStream? _link;
    private Exception? _fault;

    /// <summary>Puts the ciphers of a finished handshake, which this stream then owns, over a raw stream, which it owns too.</summary>
    public NoiseStream(Stream raw, NoiseCipher sending, NoiseCipher receiving)
    {
        ArgumentNullException.ThrowIfNull(raw);
        ArgumentNullException.ThrowIfNull(sending);
        ArgumentNullException.ThrowIfNull(receiving);
        _raw = raw;
        _link = raw as LinkStream;
        _sending = sending;
        _receiving = receiving;
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush() => throw new NotSupportedException("Use FlushAsync.");

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Use ReadAsync.");

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Use WriteAsync.");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        // Buffers are left to the collector: a read or write that is still under way may hold them.
        await _raw.DisposeAsync();
        _sending.Dispose();
        _receiving.Dispose();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _raw.Dispose();
            _sending.Dispose();
            _receiving.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Ends both directions: nothing that follows a broken message can be trusted, and nothing may follow a lost one.</summary>
    private Exception Fail(Exception fault) => Interlocked.CompareExchange(ref _fault, fault, null) ?? fault;

    private void ThrowIfFailed()
    {
        if (Volatile.Read(ref _fault) is { } fault) throw new IOException($"The Noise session has failed: {fault.Message}", fault);
    }
}
