using Starling.Net.Spread;
using Starling.Net.Tests.Links;
using Starling.Protocols.Spread;

namespace Starling.Net.Tests.Spread;

/// <summary>A neighbour that writes what it likes on its streams, over real sockets: it loses its stream or its share, and nobody else loses anything.</summary>
public sealed class SpreadHostileTests
{
    private static readonly SpreadKind Signed = SpreadKind.Named("test/signed") with { Signed = true };

    public static TheoryData<string, SpreadRefusal> BadFrames => new()
    {
        { "oversized", SpreadRefusal.FrameTooLarge },
        { "endless length", SpreadRefusal.Malformed },
        { "garbage", SpreadRefusal.Malformed },
        { "payload", SpreadRefusal.PayloadTooLarge },
        { "entries", SpreadRefusal.TooManyEntries },
        { "hops", SpreadRefusal.Malformed },
    };

    [Theory, MemberData(nameof(BadFrames))]
    public async Task A_frame_that_is_none_ends_its_stream_is_counted_and_told_and_nothing_else_ends(string what, SpreadRefusal why)
    {
        await using var network = await SpreadNetwork.StartAsync(2);
        await using var hostile = await Hostile.LinkAsync(network[0]);
        var told = new TaskCompletionSource<SpreadEvent.Refused>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watching = network[0].Spread.Observe(happened =>
        {
            if (happened is SpreadEvent.Refused refused) told.TrySetResult(refused);
        });
        await using var stream = await hostile.OpenAsync();
        await stream.WriteAsync(Bad(what, hostile)).AsTask().Soon();
        await EndedAsync(stream);
        var refused = await told.Task.Soon();
        Assert.Equal((hostile.Node.Id, why, 1), (refused.From, refused.Why, refused.Count));
        Assert.Equal(1, network[0].Spread.Counters.Refused(why));

        // The link is there still, its next stream is read, and others are heard.
        await using var next = await hostile.OpenAsync();
        await next.WriteAsync(Framed(new SpreadFrame { Items = { hostile.Item(1) } })).AsTask().Soon();
        Assert.Equal(1, await network[0].NextByteAsync());
        await network.LinkAsync(1, 0);
        await network[1].SayAsync(2);
        Assert.Equal(2, await network[0].NextByteAsync());
    }

    [Fact]
    public async Task A_frame_that_stops_in_the_middle_holds_up_nobody_and_its_end_ends_its_stream()
    {
        await using var network = await SpreadNetwork.StartAsync(2, links: [1, 0]);
        await using var hostile = await Hostile.LinkAsync(network[0]);
        await using var stream = await hostile.OpenAsync();
        var whole = Framed(new SpreadFrame { Items = { hostile.Item(1) } });
        await stream.WriteAsync(whole.AsMemory(0, whole.Length - 1)).AsTask().Soon();
        await network[1].SayAsync(2);
        Assert.Equal(2, await network[0].NextByteAsync());
        await stream.CloseWriteAsync().AsTask().Soon();
        await EndedAsync(stream);
        Assert.Equal(1, network[0].Spread.Counters.Delivered);
    }

    [Fact]
    public async Task What_another_is_said_to_have_sent_is_refused_where_signatures_are_asked_for()
    {
        await using var network = await SpreadNetwork.StartAsync(1, kind: Signed);
        await using var hostile = await Hostile.LinkAsync(network[0]);
        using var victim = NodeIdentity.Generate();
        var genuine = SpreadSignature.Sign(new SpreadItem(new SpreadId(1), victim.PeerId, Signed.Number, 3, new byte[] { 1 }), victim);
        SpreadItem[] forged =
        [
            genuine with { Payload = new byte[] { 2 } },
            genuine with { Id = new SpreadId(2) },
            genuine with { Signature = new byte[64] },
            genuine with { Origin = hostile.Node.Id },
            genuine with { Signature = default },
            hostile.Item(7) with { Kind = Signed.Number, Origin = network[0].Node.Id },
        ];
        await using var stream = await hostile.OpenAsync();
        var frame = new SpreadFrame();
        foreach (var item in forged) frame.Items.Add(item);
        frame.Items.Add(genuine);
        await stream.WriteAsync(Framed(frame)).AsTask().Soon();
        Assert.Equal(1, await network[0].NextByteAsync());
        await stream.CloseWriteAsync().AsTask().Soon();
        await EndedAsync(stream);
        var counters = network[0].Spread.Counters;
        Assert.Equal((4, 1, 1, 1), (counters.Refused(SpreadRefusal.BadSignature), counters.Refused(SpreadRefusal.Unsigned), counters.Refused(SpreadRefusal.OwnOrigin), counters.Delivered));
    }

    [Fact]
    public async Task Ten_thousand_items_at_once_are_taken_up_to_a_neighbours_share_and_the_others_are_heard()
    {
        const int Count = 10_000;
        var options = new SpreadServiceOptions { Degree = 0, Burst = 1000, BurstRecovery = TimeSpan.FromHours(1), MaxSeen = 500, MaxQueued = 100_000 };
        await using var network = await SpreadNetwork.StartAsync(2, options, links: [1, 0]);
        await using var hostile = await Hostile.LinkAsync(network[0]);
        var refusals = 0;
        using var watching = network[0].Spread.Observe(_ => Interlocked.Increment(ref refusals));
        await using var stream = await hostile.OpenAsync();
        for (var sent = 0; sent < Count;)
        {
            var frame = new SpreadFrame();
            for (var i = 0; i < 500; i++, sent++) frame.Items.Add(hostile.Item((byte)sent));
            await stream.WriteAsync(Framed(frame)).AsTask().Soon();
        }

        await stream.CloseWriteAsync().AsTask().Soon();
        await EndedAsync(stream);
        var counters = network[0].Spread.Counters;
        Assert.Equal((1000, Count - 1000), (counters.Delivered, counters.Refused(SpreadRefusal.Flooded)));
        Assert.Equal(500, counters.SeenEvicted);
        Assert.InRange(Volatile.Read(ref refusals), 1, 60);
        for (var i = 0; i < 1000; i++) await network[0].NextByteAsync();
        await network[1].SayAsync(2);
        Assert.Equal(2, await network[0].NextByteAsync());
    }

    private static byte[] Bad(string what, Hostile hostile)
    {
        switch (what)
        {
            case "oversized":
                var head = new byte[Varint.MaxLength];
                return head[..Varint.Write(head, (256 << 10) + 1)];
            case "endless length":
                return [.. Enumerable.Repeat((byte)0xff, 12)];
            case "garbage":
                return [8, .. Enumerable.Repeat((byte)0xff, 8)];
            case "payload":
                return Framed(new SpreadFrame { Items = { hostile.Item(1) with { Payload = new byte[(64 << 10) + 1] } } });
            case "hops":
                return Framed(new SpreadFrame { Items = { hostile.Item(1) with { Ttl = 256 } } });
            default:
                var frame = new SpreadFrame();
                for (var i = 0; i < 4097; i++) frame.Want.Add(new SpreadKey(new SpreadId((UInt128)i), hostile.Node.Id, false));
                return Framed(frame);
        }
    }

    private static byte[] Framed(SpreadFrame frame)
    {
        var size = SpreadCodec.SizeOf(frame);
        var bytes = new byte[LengthDelimited.FramedLength(size)];
        var head = Varint.Write(bytes, (ulong)size);
        SpreadCodec.Write(bytes.AsSpan(head), frame);
        return bytes;
    }

    /// <summary>The other side has read all that it reads of this stream, and has reset or ended it.</summary>
    private static async Task EndedAsync(IStream stream)
    {
        try
        {
            Assert.Equal(0, await stream.ReadAsync(new byte[1]).Soon());
        }
        catch (StarlingException)
        {
            // A reset is as good.
        }
    }

    private sealed class Hostile(TestNode node, OpenStream link) : IAsyncDisposable
    {
        private int _items;

        public TestNode Node => node;

        public static async Task<Hostile> LinkAsync(SpreadTestNode to)
        {
            var node = await TestNode.StartAsync();
            var link = await node.ConnectAsync(to.Node);
            await to.LinkedAsync(node.Id).Soon();
            return new Hostile(node, cancelled => link.OpenStreamAsync([SpreadCodec.Protocol], cancelled));
        }

        public Task<IStream> OpenAsync() => link(CancellationToken.None).Soon();

        /// <summary>An item of its own, with an id that no other has.</summary>
        public SpreadItem Item(byte what) => new(new SpreadId((UInt128)(++_items)), node.Id, SpreadNetwork.News.Number, 3, new[] { what });

        public ValueTask DisposeAsync() => node.DisposeAsync();
    }

    private delegate ValueTask<IStream> OpenStream(CancellationToken cancellationToken);
}
