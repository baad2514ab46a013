using System.IO.Compression;
using Starling.Net.Messages;
using Starling.Net.Tests.Links;
using Starling.Protocols.Messages;

namespace Starling.Net.Tests.Messages;

/// <summary>Peers that break the protocol, by malice or by slowness: refused with the reason, bounded, and the link stays.</summary>
public sealed class HostileMessageTests
{
    private static readonly MessageUid Id = new(77);

    [Fact]
    public async Task A_compression_bomb_is_refused_with_its_reason_and_leaves_nothing_in_the_budget()
    {
        await using var rig = await Rig.StartAsync();
        var bomb = Deflate(new byte[32 << 20]);
        var lies = Deflate(new byte[100_000]);

        await rig.SendAsync(Envelope(bomb.AsMemory(0, Math.Min(1000, bomb.Length))) with { Compression = MessageCompression.Zlib, InflatedLength = 64 << 20 });
        Assert.Equal(MessageRefusal.CompressionBomb, (await rig.AnswerAsync()).Refusal);
        await rig.SendAsync(Envelope(lies) with { Id = new MessageUid(2), Compression = MessageCompression.Zlib, InflatedLength = 50_000 });
        Assert.Equal(MessageRefusal.BadCompression, (await rig.AnswerAsync()).Refusal);
        await rig.SendAsync(Envelope(lies) with { Id = new MessageUid(3), Compression = MessageCompression.Zlib, InflatedLength = 1 << 30 });
        Assert.Equal(MessageRefusal.TooLarge, (await rig.AnswerAsync()).Refusal);
        await rig.SendAsync(Envelope("fine".Bytes()) with { Id = new MessageUid(4) });
        Assert.Equal(MessageRefusal.None, (await rig.AnswerAsync()).Refusal);

        Assert.Equal("fine", (await rig.Heard.NextAsync()).Value.Text());
        Assert.Equal(MessageRefusal.CompressionBomb, (await rig.Node.NextAsync<MessageEvent.Refused>()).Refusal);
    }

    [Fact]
    public async Task An_oversized_message_is_refused_before_its_bytes_are_taken_and_the_link_stays()
    {
        await using var rig = await Rig.StartAsync(new MessageOptions { MaxMessageBytes = 1 << 20 });
        var frame = new byte[Varint.MaxLength];
        await rig.WriteAsync(frame.AsMemory(0, Varint.Write(frame, 1UL << 40)));

        var answer = await rig.AnswerAsync();

        Assert.Equal((MessageRefusal.TooLarge, default(MessageUid)), (answer.Refusal, answer.Id));
        Assert.Contains("1048576", answer.Detail);
        Assert.Equal(MessageRefusal.TooLarge, (await rig.Node.NextAsync<MessageEvent.Refused>()).Refusal);
        await rig.ReopenAsync();
        await rig.SendAsync(Envelope("still here".Bytes()));
        Assert.Equal("still here", (await rig.Heard.NextAsync()).Value.Text());
        Assert.Equal(0, rig.Node.Budget.Refused(ResourceKind.QueueBytes));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(300_000)]
    public async Task A_message_that_is_cut_is_refused_and_costs_nothing_afterwards(int sent)
    {
        await using var rig = await Rig.StartAsync();
        var whole = Frame(Envelope(new byte[400_000]));
        await rig.WriteAsync(whole.AsMemory(0, sent));
        await rig.Stream.CloseWriteAsync();

        Assert.Equal(MessageRefusal.Malformed, (await rig.AnswerAsync()).Refusal);
        Assert.Equal(MessageRefusal.Malformed, (await rig.Node.NextAsync<MessageEvent.Refused>()).Refusal);
        Assert.Equal(0, rig.Heard.Count);
    }

    [Fact]
    public async Task A_message_that_stops_coming_is_given_up()
    {
        await using var rig = await Rig.StartAsync(new MessageOptions { StallTimeout = TimeSpan.FromMilliseconds(200) });
        await rig.WriteAsync(Frame(Envelope(new byte[400_000])).AsMemory(0, 200_000));
        Assert.Equal(MessageRefusal.Stalled, (await rig.AnswerAsync()).Refusal);
    }

    [Fact]
    public async Task Claims_of_a_wrong_origin_too_many_hops_and_unknown_things_are_refused_one_by_one()
    {
        await using var rig = await Rig.StartAsync();
        using var other = NodeIdentity.Generate();
        (MessageEnvelope Envelope, MessageRefusal Expected)[] cases =
        [
            (Envelope("x".Bytes()) with { Origin = other.PeerId }, MessageRefusal.WrongOrigin),
            (Envelope("x".Bytes()) with { Hops = 1 }, MessageRefusal.WrongOrigin),
            (Envelope("x".Bytes()) with { Hops = 17, Origin = other.PeerId }, MessageRefusal.TooManyHops),
            (Envelope("x".Bytes()) with { Type = "strange" }, MessageRefusal.UnknownType),
            (Envelope("x".Bytes()) with { Id = new MessageUid(5), Action = 2 }, MessageRefusal.UnknownAction),
            (Envelope("x".Bytes()) with { Id = new MessageUid(6), Action = -1 }, MessageRefusal.UnknownAction),
            (Envelope("x".Bytes()) with { Id = new MessageUid(7), Hops = 3, Origin = other.PeerId, Action = 1 }, MessageRefusal.None),
        ];
        foreach (var (envelope, expected) in cases)
        {
            await rig.SendAsync(envelope);
            Assert.Equal(expected, (await rig.AnswerAsync()).Refusal);
        }

        var heard = await rig.Heard.NextAsync();
        Assert.Equal((other.PeerId, rig.PeerId, 3, "b"), (heard.Origin, heard.ReceivedFrom, heard.Hops, heard.ActionName));
    }

    [Fact]
    public async Task A_second_copy_is_told_as_a_duplicate_and_handled_once()
    {
        await using var rig = await Rig.StartAsync();
        await rig.SendAsync(Envelope("once".Bytes()));
        await rig.SendAsync(Envelope("once".Bytes()));
        await rig.SendAsync(Envelope("last".Bytes()) with { Id = new MessageUid(78) });

        Assert.Equal("once", (await rig.Heard.NextAsync()).Value.Text());
        Assert.Equal("last", (await rig.Heard.NextAsync()).Value.Text());
        var duplicate = await rig.Node.NextAsync<MessageEvent.Duplicate>();
        Assert.Equal((rig.PeerId, rig.PeerId, Id, "raw"), (duplicate.From, duplicate.Origin, duplicate.Id, duplicate.Type));
        Assert.False(rig.Node.Messages.TryMarkReceived(rig.PeerId, Id));
    }

    [Fact]
    public async Task Arbitrary_bytes_never_break_the_link()
    {
        await using var rig = await Rig.StartAsync();
        var random = RandomSource.Seeded(11);
        var whole = Frame(Envelope(new byte[200]));
        for (var i = 0; i < 100; i++)
        {
            var bytes = whole.ToArray();
            for (var changes = random.Next(4) + 1; changes > 0; changes--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            await rig.WriteAsync(bytes);
            await rig.ReopenAsync();
        }

        await rig.SendAsync(Envelope("alive".Bytes()) with { Id = new MessageUid(UInt128.MaxValue) });
        while ((await rig.Heard.NextAsync()).Value.Text() != "alive") continue;
    }

    [Fact]
    public async Task A_peer_that_never_reads_backpressures_its_sender_who_stays_bounded()
    {
        var options = new MessageOptions { MaxPeerQueueBytes = 256 << 10, SendTimeout = TimeSpan.FromMilliseconds(300), StallTimeout = TimeSpan.FromMilliseconds(300), StopTimeout = TimeSpan.FromMilliseconds(100) };
        await using var node = await MessageNode.StartAsync(options);
        await using var stuck = await TestNode.StartAsync();
        using var handler = stuck.Swarm.Handle(MessageCodec.Protocol, async (stream, cancelled) =>
        {
            await stream.WriteAsync(new MessageReply.Hello([], 1 << 30).Encode(), cancelled);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancelled);
        });
        await node.Node.ConnectAsync(stuck);
        var type = node.Messages.RegisterBytes("raw");

        var sends = Enumerable.Range(0, 400).Select(_ => node.Messages.SendAsync(stuck.Id, type.Create(new byte[8000]))).ToList();
        Assert.True(node.Budget.Used(ResourceKind.QueueBytes) < 600_000);
        var results = await Task.WhenAll(sends).Soon();

        Assert.Contains(results, result => result.Status == SendStatus.Sent);
        Assert.All(results, result => Assert.True(result.Status is SendStatus.Sent or SendStatus.Backpressured, result.ToString()));
        Assert.True(results.Count(result => result.Status == SendStatus.Backpressured) > 300);
        var large = await node.Messages.SendAsync(stuck.Id, type.Create(RandomSource.Seeded(1).Bytes(1 << 20))).Soon();
        Assert.Equal(SendStatus.Backpressured, large.Status);
        Assert.True(node.Budget.Used(ResourceKind.QueueBytes) < 300_000);
    }

    [Fact]
    public async Task One_who_lists_the_protocol_and_serves_no_such_stream_is_not_counted_as_reached()
    {
        await using var node = await MessageNode.StartAsync();
        await using var rude = await TestNode.StartAsync();
        using var handler = rude.Swarm.Handle(MessageCodec.Protocol, (stream, _) =>
        {
            stream.Reset();
            return Task.CompletedTask;
        });
        await using var plain = await TestNode.StartAsync();
        await node.Node.ConnectAsync(rude);
        await node.Node.ConnectAsync(plain);
        var type = node.Messages.RegisterBytes("raw");

        Assert.Equal(SendStatus.Failed, (await node.Messages.SendAsync(rude.Id, type.Create("x".Bytes())).Soon()).Status);
        Assert.Equal(SendStatus.NotSupported, (await node.Messages.SendAsync(plain.Id, type.Create("x".Bytes())).Soon()).Status);
        Assert.Equal(SendStatus.NotSupported, (await node.Messages.SendAsync(plain.Id, type.Create(new byte[100_000])).Soon()).Status);
        Assert.Equal(SendStatus.NoLink, (await node.Messages.SendAsync(node.Id, type.Create("x".Bytes())).Soon()).Status);
    }

    private static MessageEnvelope Envelope(ReadOnlyMemory<byte> payload) => new() { Type = "raw", Id = Id, WantsAnswer = true, Payload = payload };

    private static byte[] Frame(in MessageEnvelope envelope)
    {
        var head = new byte[MessageCodec.MaxHeadBytes];
        return [.. head.AsSpan(0, MessageCodec.WriteHead(head, envelope)), .. envelope.Payload.Span];
    }

    private static byte[] Deflate(byte[] payload)
    {
        var output = new MemoryStream();
        using (var zlib = new ZLibStream(output, CompressionLevel.SmallestSize, true)) zlib.Write(payload);
        return output.ToArray();
    }

    /// <summary>A node with messages, and a peer that writes on its stream whatever the test wants.</summary>
    private sealed class Rig : IAsyncDisposable
    {
        private readonly TestNode _peer;

        private Rig(MessageNode node, TestNode peer, IStream stream)
        {
            (Node, _peer, Stream) = (node, peer, stream);
            Heard = new Heard<ReadOnlyMemory<byte>>(node, node.Messages.RegisterBytes("raw", ["a", "b"]));
        }

        public MessageNode Node { get; }

        public PeerId PeerId => _peer.Id;

        public IStream Stream { get; private set; }

        public Heard<ReadOnlyMemory<byte>> Heard { get; }

        public static async Task<Rig> StartAsync(MessageOptions? options = null)
        {
            var node = await MessageNode.StartAsync(options);
            var peer = await TestNode.StartAsync();
            await peer.ConnectAsync(node.Node);
            return new Rig(node, peer, await OpenAsync(peer, node));
        }

        public async Task ReopenAsync()
        {
            Stream.Reset();
            await Stream.DisposeAsync();
            Stream = await OpenAsync(_peer, Node);
        }

        public Task WriteAsync(ReadOnlyMemory<byte> bytes) => Stream.WriteAsync(bytes).AsTask().Soon();

        public Task SendAsync(MessageEnvelope envelope) => WriteAsync(Frame(envelope));

        public async Task<MessageReply.Answer> AnswerAsync()
        {
            while (true)
            {
                var frame = await Stream.ReadLengthDelimitedAsync(MessageReply.MaxBytes).AsTask().Soon();
                if (MessageReply.Decode(Assert.IsType<byte[]>(frame)) is MessageReply.Answer answer) return answer;
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Node.DisposeAsync();
            await _peer.DisposeAsync();
        }

        private static async Task<IStream> OpenAsync(TestNode peer, MessageNode node) =>
            await peer.Swarm.Find(node.Id)!.OpenStreamAsync([MessageCodec.Protocol]).AsTask().Soon();
    }
}
