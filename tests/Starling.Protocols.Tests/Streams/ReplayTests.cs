using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.PubSub;
using Starling.Protocols.Streams;
using static Starling.Protocols.Tests.Streams.Bundles;

namespace Starling.Protocols.Tests.Streams;

public sealed class ReplayTests
{
    private static readonly Instant Now = new(TimeSpan.TicksPerHour);

    [Fact]
    public void Requests_read_back_and_one_cut_anywhere_is_none() =>
        Prop.ForAll<bool, bool, uint>((isLink, isRange, count) =>
        {
            var first = count / 3;
            var request = new ReplayRequest(isLink, "prices.eur", isRange ? Ann : null, isRange ? 77UL : 0, isRange ? first : 0, count, count % 2 == 0 ? null : TimeSpan.FromMilliseconds(first));
            var frame = ReplayCodec.Write(request);
            Assert.Equal(System.Buffers.OperationStatus.Done, LengthDelimited.TryRead(frame, ReplayCodec.MaxRequest, out var body, out var consumed));
            Assert.Equal(frame.Length, consumed);
            Assert.Equal(request, ReplayCodec.ReadRequest(body));
            for (var length = 0; length < body.Length; length++) Assert.Null(ReplayCodec.ReadRequest(body[..length]));
            Assert.Null(ReplayCodec.ReadRequest([.. body, 0]));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Answers_read_back_and_others_are_refused()
    {
        byte[] encoded = [1, 2, 3];
        var frame = new byte[ReplayCodec.SizeOfBundle(encoded.Length)];
        Assert.Equal(frame.Length, ReplayCodec.WriteBundle(frame, encoded));
        Assert.True(ReplayCodec.TryReadAnswer(frame.AsMemory(1), out var read, out var end));
        Assert.Equal(encoded, read.ToArray());
        Assert.Null(end);
        foreach (var status in Enum.GetValues<ReplayStatus>())
        {
            Assert.True(ReplayCodec.TryReadAnswer(ReplayCodec.WriteEnd(status).AsMemory(1), out _, out end));
            Assert.Equal(status, end);
        }

        foreach (byte[] bad in (byte[][])[[], [1], [2], [2, 0], [2, 9], [2, 1, 1], [3, 1]]) Assert.False(ReplayCodec.TryReadAnswer(bad, out _, out _));
    }

    [Fact]
    public void A_replayed_message_is_believed_only_with_its_origins_signature_and_of_its_topic()
    {
        using var identity = NodeIdentity.Generate();
        var signer = new MessageSigner(identity, DateTimeOffset.UnixEpoch);
        var message = signer.Sign(Wire, Envelope(1, 0, 3));
        var read = ReplayedMessage.TryRead(message.Encoded, Wire, isSigned: true);
        Assert.Equal(message.Id, read!.Id);
        Assert.True(message.Data.Span.SequenceEqual(read.Data.Span));
        Assert.Null(ReplayedMessage.TryRead(message.Encoded, Wire + "x", isSigned: true));
        Assert.Null(ReplayedMessage.TryRead(message.Encoded, Wire, isSigned: false));
        for (var length = 0; length < message.Encoded.Length; length++) Assert.Null(ReplayedMessage.TryRead(message.Encoded[..length], Wire, isSigned: true));
        for (var at = 0; at < message.Encoded.Length; at++)
        {
            var changed = message.Encoded.ToArray();
            changed[at] ^= 1;
            Assert.Null(ReplayedMessage.TryRead(changed, Wire, isSigned: true));
        }
    }

    [Fact]
    public void A_log_answers_ranges_and_the_newest_by_count_and_age()
    {
        var log = new ReplayLog(new StreamOptions());
        for (var i = 0; i < 10; i++) Assert.True(log.Add(Of(Ann, 5, (ulong)i * 10, 10, Now + TimeSpan.FromSeconds(i)), Now));
        log.Add(Of(Bob, 5, 0, 1, Now + TimeSpan.FromSeconds(10)), Now);
        Assert.False(log.Add(Of(Ann, 5, 10, 10), Now));
        Assert.False(log.Add(Of(Ann, 5, 100, 0), Now));
        Assert.Equal([10UL, 20UL], log.Range(Ann, 5, 15, 30).Select(bundle => bundle.Header.First));
        Assert.Equal([20UL], log.Range(Ann, 5, 15, 30, Now + TimeSpan.FromSeconds(2)).Select(bundle => bundle.Header.First));
        Assert.Empty(log.Range(Ann, 6, 0, 100));
        Assert.Equal([80UL, 90UL, 0UL], log.Recent(12, null).Select(bundle => bundle.Header.First));
        Assert.Equal([90UL, 0UL], log.Recent(null, Now + TimeSpan.FromSeconds(9)).Select(bundle => bundle.Header.First));
        Assert.Equal(11, log.Recent(null, null).Count);
    }

    [Fact]
    public void A_log_is_bounded_in_bytes_count_and_age()
    {
        var size = Of(Ann, 5, 0, 1).Size;
        var log = new ReplayLog(new StreamOptions { MaxLogBytes = 3 * size, MaxLogBundles = 100, MaxLogAge = TimeSpan.FromMinutes(1) });
        for (var i = 0; i < 8; i++)
        {
            log.Add(Of(Ann, 5, (ulong)i, 1, Now), Now);
            Assert.True(log.Bytes <= 3 * size);
        }

        Assert.Equal([5UL, 6UL, 7UL], log.Recent(null, null).Select(bundle => bundle.Header.First));
        log.Trim(Now + TimeSpan.FromSeconds(61));
        Assert.Equal((0, 0L), (log.Count, log.Bytes));
        Assert.False(new ReplayLog(new StreamOptions { MaxLogBytes = 0 }).Add(Of(Ann, 5, 0, 1), Now));
        var few = new ReplayLog(new StreamOptions { MaxLogBundles = 2 });
        for (var i = 0; i < 8; i++) few.Add(Of(Ann, 5, (ulong)i, 1, Now), Now);
        Assert.Equal(2, few.Count);
    }
}
