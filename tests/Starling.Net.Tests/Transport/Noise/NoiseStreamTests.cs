using System.Buffers.Binary;
using Starling.Net.Transport;
using Starling.Net.Transport.Noise;
using Starling.Protocols.Noise;

namespace Starling.Net.Tests.Transport.Noise;

public sealed class NoiseStreamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(1, int.MaxValue)]
    [InlineData(65_519, int.MaxValue)]
    [InlineData(65_520, 1000)]
    [InlineData(1 << 20, int.MaxValue)]
    [InlineData(300_000, 4097)]
    [InlineData(3000, 1)]
    public async Task What_is_written_is_read_however_it_is_cut(int length, int piece)
    {
        var (left, right, _, rightWire) = Pair();
        rightWire.Piece = piece;
        var data = Bytes(length);

        await left.WriteAsync(data, Token).AsTask().WaitAsync(Patience, Token);

        Assert.Equal(data, await ReadExactlyAsync(right, length, 777));
    }

    [Fact]
    public async Task Writes_gather_into_one_message_until_the_flush()
    {
        var (left, right, wire, _) = Pair(autoFlush: false);

        for (var i = 0; i < 10; i++) await left.WriteAsync(Bytes(100), Token);
        Assert.Empty(wire.Writes);
        await left.FlushAsync(Token);

        Assert.Equal([NoiseFrame.HeaderLength + 1000 + NoiseFrame.TagLength], wire.Writes);
        Assert.Equal(1000, (await ReadExactlyAsync(right, 1000)).Length);
    }

    [Fact]
    public async Task Several_full_messages_go_out_in_few_writes()
    {
        var (left, right, wire, _) = Pair(autoFlush: false);
        var data = Bytes(1 << 20);

        await left.WriteAsync(data, Token);
        await left.FlushAsync(Token);

        Assert.InRange(wire.Writes.Count, 1, 9);
        Assert.Equal(data, await ReadExactlyAsync(right, data.Length));
    }

    [Fact]
    public async Task A_flush_with_nothing_written_sends_nothing()
    {
        var (left, _, wire, _) = Pair(autoFlush: false);

        await left.FlushAsync(Token);
        await left.WriteAsync(ReadOnlyMemory<byte>.Empty, Token);
        await left.FlushAsync(Token);

        Assert.Empty(wire.Writes);
    }

    [Fact]
    public async Task A_read_with_an_empty_buffer_waits_for_data_and_takes_none()
    {
        var (left, right, _, _) = Pair();
        var waiting = right.ReadAsync(Memory<byte>.Empty, Token);
        Assert.False(waiting.IsCompleted);

        await left.WriteAsync("abc"u8.ToArray(), Token);

        Assert.Equal(0, await waiting.AsTask().WaitAsync(Patience, Token));
        Assert.Equal(0, await right.ReadAsync(Memory<byte>.Empty, Token).AsTask().WaitAsync(Patience, Token));
        Assert.Equal("abc"u8.ToArray(), await ReadExactlyAsync(right, 3));
    }

    [Fact]
    public async Task A_cancelled_read_loses_nothing_wherever_it_stood()
    {
        var (left, right, leftWire, rightWire) = Pair();
        var frames = new List<byte>();
        leftWire.Change = block =>
        {
            frames.AddRange(block);
            return [];
        };
        await left.WriteAsync(Bytes(50), Token);
        await left.WriteAsync(Bytes(20), Token);
        leftWire.Change = block => block;
        var read = new List<byte>();
        var buffer = new byte[200];

        foreach (var one in frames)
        {
            using var stop = new CancellationTokenSource();
            var reading = right.ReadAsync(buffer, stop.Token).AsTask();
            await leftWire.WriteAsync(new[] { one }, Token);
            await stop.CancelAsync();
            try
            {
                read.AddRange(buffer[..await reading.WaitAsync(Patience, Token)]);
            }
            catch (OperationCanceledException)
            {
                Assert.True(reading.IsCanceled);
            }
        }

        if (read.Count < 70) read.AddRange(await ReadExactlyAsync(right, 70 - read.Count));
        Assert.Equal([.. Bytes(50), .. Bytes(20)], read);
        Assert.Equal(int.MaxValue, rightWire.Piece);
    }

    [Fact]
    public async Task A_cancelled_write_sends_nothing_and_the_next_one_arrives()
    {
        var (left, right, wire, _) = Pair();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await left.WriteAsync(Bytes(10), new CancellationToken(true)));
        Assert.Empty(wire.Writes);

        await left.WriteAsync("x"u8.ToArray(), Token);

        Assert.Equal("x"u8.ToArray(), await ReadExactlyAsync(right, 1));
    }

    [Fact]
    public async Task Empty_messages_are_no_end()
    {
        var (left, right, leftWire, rightWire) = Pair();
        using var cipher = new NoiseCipher(new byte[32]);
        for (var i = 0; i < 3; i++) await leftWire.WriteAsync(Frame(cipher, []), Token);
        await leftWire.WriteAsync(Frame(cipher, "end"u8), Token);

        Assert.Equal(0, await right.ReadAsync(Memory<byte>.Empty, Token).AsTask().WaitAsync(Patience, Token));
        Assert.Equal("end"u8.ToArray(), await ReadExactlyAsync(right, 3));
    }

    [Fact]
    public async Task An_altered_message_ends_both_directions_for_good()
    {
        for (var position = NoiseFrame.HeaderLength; position < NoiseFrame.HeaderLength + 5 + NoiseFrame.TagLength; position++)
        {
            var (left, right, leftWire, rightWire) = Pair();
            leftWire.Change = block =>
            {
                block[position] ^= 0x40;
                return block;
            };
            await left.WriteAsync("hello"u8.ToArray(), Token);
            leftWire.Change = block => block;
            await left.WriteAsync("again"u8.ToArray(), Token);

            var buffer = new byte[10];
            await Assert.ThrowsAsync<ProtocolViolationException>(() => right.ReadAsync(buffer, Token).AsTask().WaitAsync(Patience, Token));
            Assert.Equal(new byte[10], buffer);
            await Assert.ThrowsAsync<IOException>(() => right.ReadAsync(buffer, Token).AsTask());
            await Assert.ThrowsAsync<IOException>(async () => await right.WriteAsync(buffer, Token));
            Assert.Empty(rightWire.Writes);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    public async Task A_message_too_short_for_its_tag_is_a_violation(int length)
    {
        var (_, right, leftWire, _) = Pair();
        await leftWire.WriteAsync(new byte[] { 0, (byte)length }, Token);

        await Assert.ThrowsAsync<ProtocolViolationException>(() => right.ReadAsync(new byte[10], Token).AsTask().WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task The_end_between_messages_reads_as_an_end()
    {
        var (left, right, _, _) = Pair();
        await left.WriteAsync("bye"u8.ToArray(), Token);
        await left.DisposeAsync();

        Assert.Equal("bye"u8.ToArray(), await ReadExactlyAsync(right, 3));
        Assert.Equal(0, await right.ReadAsync(Memory<byte>.Empty, Token).AsTask().WaitAsync(Patience, Token));
        Assert.Equal(0, await right.ReadAsync(new byte[10], Token).AsTask().WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task The_end_within_a_message_is_an_error_wherever_it_comes()
    {
        using var cipher = new NoiseCipher(new byte[32]);
        var frame = Frame(cipher, "hello"u8);
        for (var cut = 1; cut < frame.Length; cut++)
        {
            var (left, right, leftWire, _) = Pair();
            await leftWire.WriteAsync(frame.AsMemory(0, cut), Token);
            await left.DisposeAsync();

            await Assert.ThrowsAsync<EndOfStreamException>(() => right.ReadAsync(new byte[10], Token).AsTask().WaitAsync(Patience, Token));
        }
    }

    [Fact]
    public async Task A_session_ends_rather_than_use_its_last_counter()
    {
        var (left, right, wire, _) = Pair(nonce: NoiseCipher.ReservedNonce - 1);
        await left.WriteAsync("last"u8.ToArray(), Token);
        Assert.Equal("last"u8.ToArray(), await ReadExactlyAsync(right, 4));

        await Assert.ThrowsAsync<ProtocolViolationException>(async () => await left.WriteAsync("more"u8.ToArray(), Token));
        await Assert.ThrowsAsync<IOException>(async () => await left.WriteAsync("more"u8.ToArray(), Token));
        Assert.Single(wire.Writes);
    }

    [Fact]
    public async Task Both_directions_flow_at_once()
    {
        var (left, right, _, _) = Pair();
        var (there, back) = (Bytes(2 << 20), Bytes(1 << 20));

        var writes = Task.WhenAll(left.WriteAsync(there, Token).AsTask(), right.WriteAsync(back, Token).AsTask());
        var reads = Task.WhenAll(ReadExactlyAsync(right, there.Length), ReadExactlyAsync(left, back.Length));

        await writes.WaitAsync(Patience, Token);
        var read = await reads.WaitAsync(Patience, Token);
        Assert.Equal(there, read[0]);
        Assert.Equal(back, read[1]);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static (NoiseStream Left, NoiseStream Right, Wire LeftWire, Wire RightWire) Pair(bool autoFlush = true, ulong nonce = 0)
    {
        var (left, right) = Wire.Pair();
        byte[] there = new byte[32];
        byte[] back = [1, .. new byte[31]];
        return (
            new NoiseStream(new LinkStream(left) { AutoFlush = autoFlush }, new NoiseCipher(there, nonce), new NoiseCipher(back)),
            new NoiseStream(new LinkStream(right) { AutoFlush = autoFlush }, new NoiseCipher(back), new NoiseCipher(there, nonce)),
            left,
            right);
    }

    private static byte[] Frame(NoiseCipher cipher, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[NoiseFrame.HeaderLength + payload.Length + NoiseFrame.TagLength];
        BinaryPrimitives.WriteUInt16BigEndian(frame, (ushort)(payload.Length + NoiseFrame.TagLength));
        cipher.Encrypt(payload, [], frame.AsSpan(NoiseFrame.HeaderLength));
        return frame;
    }

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        RandomSource.Seeded((ulong)length).Fill(bytes);
        return bytes;
    }

    private static async Task<byte[]> ReadExactlyAsync(Stream stream, int count, int piece = int.MaxValue)
    {
        var buffer = new byte[count];
        for (var read = 0; read < count;)
        {
            var got = await stream.ReadAsync(buffer.AsMemory(read, Math.Min(piece, count - read)), Token).AsTask().WaitAsync(Patience, Token);
            Assert.NotEqual(0, got);
            read += got;
        }

        return buffer;
    }
}
