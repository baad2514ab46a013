using Starling.Net.Tests.Yamux;
using Starling.Net.Transport;
using Starling.Protocols.Transport;

namespace Starling.Net.Tests.Transport.Multistream;

public sealed class NegotiatedStreamTests
{
    private const string A = "/a/1";
    private const string B = "/b/1";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly byte[] Proposal = MultistreamMessage.Encode(MultistreamMessage.Header, A);
    private readonly ManualClock _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Header_proposal_and_payload_leave_in_one_write()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var stream = await OpenAsync(dialler);
        Assert.Empty(dialler.Writes);

        await stream.WriteAsync("hello"u8.ToArray(), Token);
        byte[] all = [.. Proposal, .. "hello"u8];
        Assert.Equal([all], dialler.Writes);
        Assert.Equal(A, await Accept(listener, A));
        Assert.Equal("hello"u8.ToArray(), await NegotiationTests.ReadAsync(listener, 5));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(int.MaxValue)]
    public async Task The_answer_is_taken_off_what_the_reader_sees(int piece)
    {
        var (dialler, listener) = StreamEnd.Pair();
        dialler.Piece = piece;
        var stream = await OpenAsync(dialler);
        var reading = NegotiationTests.ReadAsync(stream, 5);
        Assert.Equal(A, await Accept(listener, A));
        await listener.WriteAsync("reply and more"u8.ToArray(), Token);
        Assert.Equal("reply"u8.ToArray(), await reading);
        Assert.Equal(" and more"u8.ToArray(), await NegotiationTests.ReadAsync(stream, 9));
    }

    [Fact]
    public async Task A_read_that_is_cancelled_while_the_answer_comes_loses_nothing()
    {
        byte[] answer = [.. Proposal, .. "reply"u8];
        for (var cut = 0; cut <= answer.Length; cut++)
        {
            var (dialler, listener) = StreamEnd.Pair();
            var stream = await OpenAsync(dialler);
            using var cancel = new CancellationTokenSource();
            var buffer = new byte[5];
            await listener.WriteAsync(answer.AsMemory(0, cut), Token);
            var reading = stream.ReadAsync(buffer, cancel.Token).AsTask();
            await cancel.CancelAsync();
            var got = 0;
            try
            {
                got = await reading.WaitAsync(Patience, Token);
            }
            catch (OperationCanceledException)
            {
                Assert.True(cut <= Proposal.Length);
            }

            await listener.WriteAsync(answer.AsMemory(cut), Token);
            byte[] reply = [.. buffer[..got], .. await NegotiationTests.ReadAsync(stream, 5 - got)];
            Assert.Equal("reply"u8.ToArray(), reply);
        }
    }

    [Fact]
    public async Task A_first_write_that_is_cancelled_anywhere_says_how_much_of_the_payload_was_accepted()
    {
        var payload = new byte[20_000];
        RandomSource.Seeded(1).Fill(payload);
        foreach (var room in new[] { 0, 1, Proposal.Length - 1, Proposal.Length, Proposal.Length + 1, 10_000, Proposal.Length + (16 << 10), 16_500, 19_000 })
        {
            var (dialler, listener) = StreamEnd.Pair();
            dialler.Room = room;
            var stream = await OpenAsync(dialler);
            using var cancel = new CancellationTokenSource();
            var writing = stream.WriteAsync(payload, cancel.Token).AsTask();
            await cancel.CancelAsync();
            var cancelled = await Assert.ThrowsAsync<WriteCanceledException>(() => writing.WaitAsync(Patience, Token));
            Assert.Equal(Math.Max(0, room - Proposal.Length), cancelled.BytesAccepted);

            dialler.Room = int.MaxValue;
            await stream.WriteAsync(payload.AsMemory((int)cancelled.BytesAccepted), Token);
            byte[] all = [.. Proposal, .. payload];
            Assert.Equal(all, dialler.Written);
            Assert.Equal(A, await Accept(listener, A));
        }
    }

    [Fact]
    public async Task A_write_that_waits_for_the_proposal_is_cancelled_with_nothing_accepted()
    {
        var (dialler, _) = StreamEnd.Pair();
        dialler.Room = 3;
        var stream = await OpenAsync(dialler);
        using var cancel = new CancellationTokenSource();
        using var cancelFirst = new CancellationTokenSource();
        var reading = stream.ReadAsync(new byte[1], cancelFirst.Token).AsTask();
        var writing = stream.WriteAsync(new byte[5], cancel.Token).AsTask();
        await cancel.CancelAsync();
        Assert.Equal(0, (await Assert.ThrowsAsync<WriteCanceledException>(() => writing.WaitAsync(Patience, Token))).BytesAccepted);
        await cancelFirst.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task Payload_behind_a_refused_proposal_reaches_nobody_even_if_it_looks_like_a_proposal()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var stream = await OpenAsync(dialler);
        await stream.WriteAsync(MultistreamMessage.Encode(B), Token);
        var accepting = Accept(listener, B);
        await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => stream.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));

        Assert.Null(await accepting);
        Assert.True(dialler.WasReset);
        Assert.Equal(MultistreamMessage.Encode(MultistreamMessage.Header, MultistreamMessage.NotAvailable), listener.Written);
    }

    [Fact]
    public async Task After_a_refusal_every_call_says_so()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var stream = await OpenAsync(dialler);
        _ = Accept(listener, B);
        await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => stream.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
        await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => stream.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
        var error = await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => stream.WriteAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
        Assert.Equal([A], error.Proposed);
        await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => stream.CloseWriteAsync(Token).AsTask().WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task A_stream_that_only_writes_learns_of_the_refusal_when_it_closes()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var stream = await OpenAsync(dialler);
        await stream.WriteAsync("order"u8.ToArray(), Token);
        var closing = stream.CloseWriteAsync(Token).AsTask();
        Assert.False(closing.IsCompleted);
        Assert.Null(await Accept(listener, B));
        await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => closing.WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task A_stream_that_sends_nothing_at_all_is_still_agreed_on_when_it_closes()
    {
        var (dialler, listener) = StreamEnd.Pair();
        var stream = await OpenAsync(dialler);
        var closing = stream.CloseWriteAsync(Token).AsTask();
        Assert.Equal(A, await Accept(listener, A));
        await closing.WaitAsync(Patience, Token);
    }

    [Fact]
    public async Task A_refusal_reaches_a_write_only_stream_over_a_link_whose_listener_resets_at_once()
    {
        var (near, far) = await LinkPair.ConnectAsync();
        await using var first = near;
        await using var second = far;
        var refusing = RefuseAsync(far, 200);
        for (var round = 0; round < 200; round++)
        {
            var stream = await MultistreamSelect.OpenAsync(await near.OpenStreamAsync(Token), [A], lazy: true, Patience, TimeProvider.System, Token);
            await stream.WriteAsync(new byte[100], Token);
            await Assert.ThrowsAsync<ProtocolNotSupportedException>(() => stream.CloseWriteAsync(Token).AsTask().WaitAsync(Patience, Token));
            await stream.DisposeAsync();
        }

        await refusing.WaitAsync(Patience, Token);
    }

    [Theory]
    [InlineData("\u0003no\n", typeof(ProtocolViolationException))]
    [InlineData("\u0005/b/1\n", typeof(ProtocolViolationException))]
    [InlineData("", typeof(EndOfStreamException))]
    [InlineData("\u0005/a", typeof(EndOfStreamException))]
    [InlineData("\u0003na", typeof(EndOfStreamException))]
    public async Task Another_answer_is_an_error_by_name(string answer, Type error)
    {
        for (var piece = 1; piece < 30; piece++)
        {
            var (dialler, listener) = StreamEnd.Pair();
            dialler.Piece = piece;
            var stream = await OpenAsync(dialler);
            await listener.WriteAsync((byte[])[.. MultistreamMessage.Encode(MultistreamMessage.Header), .. System.Text.Encoding.UTF8.GetBytes(answer)], Token);
            await listener.CloseWriteAsync(Token);
            await Assert.ThrowsAsync(error, () => stream.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
            Assert.True(dialler.WasReset);
        }
    }

    [Fact]
    public async Task An_answer_that_does_not_come_ends_the_stream_in_time()
    {
        var (dialler, _) = StreamEnd.Pair();
        var stream = await OpenAsync(dialler);
        var reading = stream.ReadAsync(new byte[1], Token).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(10));
        await Assert.ThrowsAsync<TimeoutException>(() => reading.WaitAsync(Patience, Token));
        Assert.True(dialler.WasReset);
        await Assert.ThrowsAsync<TimeoutException>(() => stream.WriteAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
    }

    private static async Task RefuseAsync(IConnection link, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var stream = await link.AcceptStreamAsync(Token);
            Assert.Null(await MultistreamSelect.AcceptAsync(stream, id => id == B, () => [B], Patience, TimeProvider.System, Token));
            stream.Reset();
            await stream.DisposeAsync();
        }
    }

    private async Task<NegotiatedStream> OpenAsync(StreamEnd raw) =>
        Assert.IsType<NegotiatedStream>(await MultistreamSelect.OpenAsync(raw, [A], lazy: true, TimeSpan.FromSeconds(10), _clock, Token));

    private Task<string?> Accept(StreamEnd stream, params string[] served) =>
        MultistreamSelect.AcceptAsync(stream, served.Contains, () => served, TimeSpan.FromSeconds(10), _clock, Token).AsTask().WaitAsync(Patience, Token);
}
