using Starling.Protocols.Yamux;

namespace Starling.Net.Tests.Yamux;

public sealed class YamuxLaneTests
{
    private const uint Bulk = 1;
    private const uint Control = 3;

    [Fact]
    public async Task Control_overtakes_all_bulk_that_the_socket_has_not_taken()
    {
        var (peer, raw) = await LinkPair.RawAsync();
        await using var gate = new GatedStream(raw);
        await using var link = LinkPair.Start(gate, Direction.Inbound);
        foreach (var id in new[] { Bulk, Control }) await WriteAsync(peer, new YamuxHeader(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, id, 32 << 20));
        var (bulk, control) = (await link.AcceptStreamAsync().Soon(), await link.AcceptStreamAsync().Soon());
        Assert.Equal((Bulk, Control), (bulk.Id, control.Id));
        (bulk.Priority, control.Priority) = (StreamPriority.Low, StreamPriority.Control);

        var stuck = gate.CloseAsync();
        var writing = Task.Run(() => bulk.WriteAsync(new byte[16 << 20]).AsTask());
        await stuck.Soon();
        var taken = link.Statistics.BytesOut;
        var message = control.WriteAsync(new byte[32]);
        gate.Open();

        var (ahead, behind) = (0L, 0L);
        var seen = false;
        while (ahead + behind < 16 << 20)
        {
            var header = await ReadAsync(peer);
            if (header.Type != YamuxFrameType.Data) continue;
            if (header.StreamId == Control) seen = true;
            else if (seen) behind += header.Length;
            else ahead += header.Length;
        }

        Assert.True(seen);
        Assert.Equal(taken, ahead);
        await message.Soon();
        await writing.Soon();
        await peer.DisposeAsync();
    }

    [Fact]
    public async Task Echoes_go_through_beside_bulk_that_is_read_slowly_and_the_bulk_arrives_whole()
    {
        var (dialler, listener) = await LinkPair.ConnectAsync();
        await using var bulk = await dialler.OpenStreamAsync().Soon();
        bulk.Priority = StreamPriority.Low;
        await bulk.WriteAsync(new byte[1]).Soon();
        await using var sink = await listener.AcceptStreamAsync().Soon();
        await using var echo = await dialler.OpenStreamAsync().Soon();
        echo.Priority = StreamPriority.Control;
        await echo.WriteAsync(new byte[1]).Soon();
        await using var answer = await listener.AcceptStreamAsync().Soon();
        await answer.ReadAsync(new byte[1]).Soon();
        var data = new byte[4 << 20];
        RandomSource.Seeded(7).Fill(data);
        var writing = Task.Run(async () =>
        {
            await bulk.WriteAsync(data);
            await bulk.CloseWriteAsync();
        });

        var received = new List<byte>();
        var buffer = new byte[8 << 10];
        for (var i = 0; i < 100; i++)
        {
            await echo.WriteAsync(new[] { (byte)i }).Soon();
            Assert.Equal(1, await answer.ReadAsync(buffer).Soon());
            await answer.WriteAsync(buffer.AsMemory(0, 1)).Soon();
            Assert.Equal(1, await echo.ReadAsync(buffer).Soon());
            Assert.Equal(i, buffer[0]);
            received.AddRange(buffer[..await sink.ReadAsync(buffer).Soon()]);
        }

        Assert.True(received.Count < data.Length);
        while (await sink.ReadAsync(buffer).Soon() is > 0 and var count) received.AddRange(buffer[..count]);
        await writing.Soon();
        Assert.True(received.Skip(1).SequenceEqual(data));
        await dialler.DisposeAsync();
        await listener.DisposeAsync();
    }

    private static async Task WriteAsync(Stream peer, YamuxHeader header)
    {
        var bytes = new byte[YamuxHeader.Size];
        header.Write(bytes);
        await peer.WriteAsync(bytes).Soon();
    }

    /// <summary>Reads a frame and drops its payload.</summary>
    private static async Task<YamuxHeader> ReadAsync(Stream peer)
    {
        var bytes = new byte[YamuxHeader.Size];
        await peer.ReadExactlyAsync(bytes).Soon();
        var header = YamuxHeader.Read(bytes);
        if (header.Type == YamuxFrameType.Data) await peer.ReadExactlyAsync(new byte[header.Length]).Soon();
        return header;
    }

    /// <summary>A stream whose writes stop at a gate.</summary>
    private sealed class GatedStream(Stream inner) : Stream
    {
        private TaskCompletionSource? _gate;
        private TaskCompletionSource? _reached;

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        /// <summary>Closes the gate; the result completes when a write stands before it.</summary>
        public Task CloseAsync()
        {
            _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _reached.Task;
        }

        public void Open() => _gate!.SetResult();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_gate is { } gate)
            {
                _reached!.TrySetResult();
                await gate.Task;
            }

            await inner.WriteAsync(buffer, cancellationToken);
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
