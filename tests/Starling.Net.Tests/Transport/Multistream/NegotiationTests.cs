using Starling.Net.Transport;
using Starling.Protocols.Transport;

namespace Starling.Net.Tests.Transport.Multistream;

public sealed class NegotiationTests
{
    private const string A = "/a/1";
    private const string B = "/b/1";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly ManualClock _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public async Task Both_sides_agree_however_the_bytes_arrive_and_leave_what_follows(int piece)
    {
        var (dialler, listener) = StreamEnd.Pair();
        dialler.Piece = listener.Piece = piece;
        var opening = Open(dialler, lazy: false, A, B);
        Assert.Equal(B, await Accept(listener, B));
        Assert.Equal(B, (await opening).Protocol);

        await dialler.WriteAsync("there"u8.ToArray(), Token);
        await listener.WriteAsync("back!"u8.ToArray(), Token);
        Assert.Equal("there"u8.ToArray(), await ReadAsync(listener, 5));
        Assert.Equal("back!"u8.ToArray(), await ReadAsync(dialler, 5));
    }

    [Fact]
    public async Task Each_side_says_what_it_has_to_say_in_one_write()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var opening = Open(dialler, lazy: false, A);
        await Accept(listener, A);
        await opening;

        Assert.Equal([MultistreamMessage.Encode(MultistreamMessage.Header, A)], dialler.Writes);
        Assert.Equal([MultistreamMessage.Encode(MultistreamMessage.Header, A)], listener.Writes);
    }

    [Fact]
    public async Task A_dialler_that_waits_for_the_header_gets_it()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var accepting = Accept(listener, A);
        await dialler.WriteAsync(MultistreamMessage.Encode(MultistreamMessage.Header), Token);
        var header = MultistreamMessage.Encode(MultistreamMessage.Header);
        Assert.Equal(header, await ReadAsync(dialler, header.Length));
        await dialler.WriteAsync(MultistreamMessage.Encode(A), Token);
        Assert.Equal(A, await accepting);
    }

    [Fact]
    public async Task Where_nothing_is_shared_the_dialler_names_what_it_proposed()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var accepting = Accept(listener, "/c/1");
        var error = await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => Open(dialler, lazy: false, A, B));
        Assert.Equal([A, B], error.Proposed);

        dialler.Reset();
        Assert.Null(await accepting);
    }

    [Fact]
    public async Task The_list_is_told_to_who_asks()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var accepting = Accept(listener, A, B);
        await dialler.WriteAsync(MultistreamMessage.Encode(MultistreamMessage.Header, MultistreamMessage.List), Token);
        byte[] expected = [.. MultistreamMessage.Encode(MultistreamMessage.Header), .. MultistreamMessage.EncodeList([A, B])];
        Assert.Equal(expected, await ReadAsync(dialler, expected.Length));
        await dialler.WriteAsync(MultistreamMessage.Encode(B), Token);
        Assert.Equal(B, await accepting);
    }

    [Fact]
    public async Task A_dialler_that_proposes_without_end_is_given_up()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var accepting = Accept(listener, A);
        await dialler.WriteAsync(MultistreamMessage.Encode(MultistreamMessage.Header), Token);
        await ReadAsync(dialler, MultistreamMessage.SizeOf(MultistreamMessage.Header));
        for (var i = 0; i < MultistreamNegotiation<LinkChannel>.MaxMessages && !accepting.IsCompleted; i++)
        {
            await dialler.WriteAsync(MultistreamMessage.Encode(B), Token);
            if (i < MultistreamNegotiation<LinkChannel>.MaxMessages - 1) await ReadAsync(dialler, MultistreamMessage.SizeOf(MultistreamMessage.NotAvailable));
        }

        await Assert.ThrowsAsync<ProtocolViolationException>(() => accepting);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("\u0013/multistream/2.0.0\n")]
    [InlineData("\u0003na\n")]
    [InlineData("\u0000")]
    public async Task Something_else_than_multistream_is_a_violation(string greeting)
    {
        var (dialler, listener) = StreamEnd.Pair();
        await dialler.WriteAsync(System.Text.Encoding.UTF8.GetBytes(greeting), Token);
        await dialler.CloseWriteAsync(Token);
        var error = await Record.ExceptionAsync(() => Accept(listener, A));
        Assert.True(error is ProtocolViolationException or EndOfStreamException, error?.ToString());
        Assert.Empty(listener.Written);
    }

    [Fact]
    public async Task A_dialler_that_ends_anywhere_ends_the_negotiation()
    {
        var whole = MultistreamMessage.Encode(MultistreamMessage.Header, B, A);
        for (var cut = 0; cut < whole.Length; cut++)
        {
            var (dialler, listener) = StreamEnd.Pair();
            await dialler.WriteAsync(whole.AsMemory(0, cut), Token);
            await dialler.CloseWriteAsync(Token);
            string? agreed = null;
            var error = await Record.ExceptionAsync(async () => agreed = await Accept(listener, A));
            Assert.True(error is null or EndOfStreamException, $"cut {cut}: {error}");
            Assert.Null(agreed);
        }
    }

    [Fact]
    public async Task A_listener_that_ends_anywhere_ends_the_negotiation()
    {
        var whole = MultistreamMessage.Encode(MultistreamMessage.Header, MultistreamMessage.NotAvailable, B);
        for (var cut = 0; cut < whole.Length; cut++)
        {
            var (dialler, listener) = StreamEnd.Pair();
            await listener.WriteAsync(whole.AsMemory(0, cut), Token);
            await listener.CloseWriteAsync(Token);
            await Assert.ThrowsAsync<EndOfStreamException>(() => Open(dialler, lazy: false, A, B));
        }
    }

    [Fact]
    public async Task Damaged_messages_end_in_a_protocol_or_a_named_error()
    {
        var offers = MultistreamMessage.Encode(MultistreamMessage.Header, MultistreamMessage.List, B, A);
        var answers = MultistreamMessage.Encode(MultistreamMessage.Header, MultistreamMessage.NotAvailable, B);
        var random = RandomSource.Seeded(20260714);
        for (var round = 0; round < 3000; round++)
        {
            var toListener = round % 2 == 0;
            byte[] bytes = [.. toListener ? offers : answers];
            for (var changes = random.Next(3); changes >= 0; changes--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var (dialler, listener) = StreamEnd.Pair();
            var (near, far) = toListener ? (listener, dialler) : (dialler, listener);
            near.Piece = random.Next(9) + 1;
            await far.WriteAsync(bytes, Token);
            await far.CloseWriteAsync(Token);
            var error = await Record.ExceptionAsync(async () =>
            {
                if (toListener) await Accept(near, A);
                else await Open(near, lazy: round % 4 == 1, A, B);
            });
            Assert.True(error is null or EndOfStreamException or ProtocolViolationException or ProtocolNotSupportedException, $"round {round}: {error}");
        }
    }

    [Fact]
    public async Task A_peer_that_says_nothing_is_given_up_in_time()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var accepting = Accept(listener, A);
        _clock.Advance(TimeSpan.FromSeconds(10));
        await Assert.ThrowsAsync<TimeoutException>(() => accepting);

        var opening = Open(dialler, lazy: false, A);
        _clock.Advance(TimeSpan.FromSeconds(10));
        var error = await Assert.ThrowsAsync<TimeoutException>(() => opening);
        Assert.Contains(A, error.Message);
    }

    [Fact]
    public async Task Cancelling_a_negotiation_is_no_timeout()
    {
        using var cancel = new CancellationTokenSource();
        var idle = MultistreamSelect.AcceptAsync(StreamEnd.Pair().Listener, _ => true, () => [], TimeSpan.FromSeconds(10), _clock, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => idle.WaitAsync(Patience, Token));
    }

    internal static async Task<byte[]> ReadAsync(IStream stream, int count)
    {
        var bytes = new byte[count];
        for (var at = 0; at < count;)
        {
            var read = await stream.ReadAsync(bytes.AsMemory(at), Token).AsTask().WaitAsync(Patience, Token);
            Assert.NotEqual(0, read);
            at += read;
        }

        return bytes;
    }

    private Task<IStream> Open(StreamEnd stream, bool lazy, params string[] protocols) =>
        MultistreamSelect.OpenAsync(stream, protocols, lazy, TimeSpan.FromSeconds(10), _clock, Token).AsTask().WaitAsync(Patience, Token);

    private Task<string?> Accept(StreamEnd stream, params string[] served) =>
        MultistreamSelect.AcceptAsync(stream, served.Contains, () => served, TimeSpan.FromSeconds(10), _clock, Token).AsTask().WaitAsync(Patience, Token);
}
