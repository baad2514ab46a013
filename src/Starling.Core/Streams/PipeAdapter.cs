using System.IO.Pipelines;

namespace Starling;

/// <summary>An <see cref="IStream"/> as a pair of pipes.</summary>
internal sealed class PipeAdapter(IStream stream) : IDuplexPipe
{
    public PipeReader Input { get; } = new Reader(stream);

    public PipeWriter Output { get; } = new Writer(stream);

    private sealed class Reader(IStream stream) : PipeReader
    {
        // Zero-byte reads: an idle pipe holds no buffer.
        private readonly PipeReader _inner = Create(new StreamAdapter(stream), new StreamPipeReaderOptions(bufferSize: 16 << 10, minimumReadSize: 4 << 10, leaveOpen: true, useZeroByteReads: true));

        public override bool TryRead(out ReadResult result) => _inner.TryRead(out result);

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => _inner.ReadAsync(cancellationToken);

        public override void AdvanceTo(SequencePosition consumed) => _inner.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _inner.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => _inner.CancelPendingRead();

        public override void Complete(Exception? exception = null)
        {
            _inner.Complete(exception);
            if (exception is not null) stream.Reset();
        }
    }

    private sealed class Writer(IStream stream) : PipeWriter
    {
        private readonly PipeWriter _inner = Create(new ResumingStream(stream), new StreamPipeWriterOptions(leaveOpen: true));
        private bool _completed;

        public override bool CanGetUnflushedBytes => true;

        public override long UnflushedBytes => _inner.UnflushedBytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => _inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => _inner.GetSpan(sizeHint);

        public override void Advance(int bytes) => _inner.Advance(bytes);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => _inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => _inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => CompleteAsync(exception).AsTask().GetAwaiter().GetResult();

        public override async ValueTask CompleteAsync(Exception? exception = null)
        {
            if (_completed) return;
            _completed = true;
            if (exception is not null) stream.Reset();
            await _inner.CompleteAsync(exception);
            if (exception is null) await stream.CloseWriteAsync();
        }
    }

    /// <summary>After a cancelled flush the pipe offers the same segment again from its start: skips what the link accepted of it.</summary>
    private sealed class ResumingStream(IStream stream) : StreamAdapter(stream)
    {
        private int _accepted;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                await base.WriteAsync(buffer[_accepted..], cancellationToken);
                _accepted = 0;
            }
            catch (WriteCanceledException e)
            {
                _accepted += (int)e.BytesAccepted;
                throw;
            }
        }
    }
}
