using Starling.Protocols.Discovery;
using Starling.Protocols.Links;
using Starling.Protocols.Spread;

namespace Starling.Fuzz;

/// <summary>Frames of spread, through the codec into a core: whatever it sends on reads back and stays in bounds.</summary>
internal sealed class SpreadTarget() : Target("spread", Frame())
{
    private static readonly SpreadOptions Options = new() { Degree = 0, MaxPayloadBytes = 1024, MaxFrameBytes = 8192 };
    private static readonly PeerId[] Peers = [.. Enumerable.Range(0, 3).Select(_ => NodeIdentity.Generate().PeerId)];
    private readonly SpreadFrame _frame = new();
    private readonly List<SpreadEffect> _effects = [];
    private SpreadCore? _core;
    private long _fed;

    public override void Feed(byte[] input, RandomSource random)
    {
        if (_core is null || _fed++ % 1000 == 0)
        {
            _core = new SpreadCore(Peers[0], Options, random);
            _core.SetKind(7, new SpreadRules(Deliver: true, Keep: true));
            _core.SetKind(8, new SpreadRules(Deliver: true, Keep: true, Validate: true, RejectContent: true, Undecided: SpreadUndecided.AcceptIfAny, MaxTtl: 9));
            foreach (var peer in Peers.Skip(1)) _core.AddPeer(peer, direct: true, default, _effects);
        }

        _effects.Clear();
        if (SpreadCodec.Decode(input, Options, _frame) != SpreadRefusal.None) return;
        var now = new Instant(_fed * TimeSpan.TicksPerSecond);
        foreach (var item in _frame.Items) _core.Receive(Peers[1], item, now, _effects);
        foreach (var reply in _frame.Replies) _core.ReceiveReply(Peers[1], reply, now, _effects);
        _core.ReceiveHave(Peers[1], _frame.Have, now, _effects);
        _core.ReceiveWant(Peers[1], _frame.Want, now, _effects);
        for (var i = 0; i < _effects.Count; i++)
        {
            if (_effects[i] is not { Kind: SpreadEffectKind.Validate, Item: { } asked }) continue;
            _core.Expect(asked.Key, 3);
            for (var votes = random.Next(4); votes > 0; votes--) _core.Judge(asked.Key, (SpreadVerdict)random.Next(3), now, _effects);
        }

        Hold(_core.Pending <= Options.MaxPendingValidations && _core.Kept <= Options.MaxKept, "waits and kept items stay in bounds");
        foreach (var sent in _effects.Where(effect => effect.Kind == SpreadEffectKind.Send).Select(effect => effect.Item!))
        {
            Hold(sent.Ttl is >= 1 && sent.Ttl < Options.MaxTtl, "what goes on has fewer hops left");
            var frame = new SpreadFrame { Items = { sent } };
            var bytes = new byte[SpreadCodec.SizeOf(frame)];
            Hold(SpreadCodec.Write(bytes, frame) == bytes.Length && SpreadCodec.Decode(bytes, Options, _frame) == SpreadRefusal.None, "what is sent reads back");
        }
    }

    private static byte[] Frame()
    {
        var item = new SpreadItem(new SpreadId(5), Peers[2], 7, 9, new byte[] { 1, 2, 3 });
        var frame = new SpreadFrame { Items = { item, item with { Kind = 8, Id = new SpreadId(6), Age = TimeSpan.FromSeconds(2) } }, Replies = { new SpreadReply(item.Key, 7, new byte[] { 4 }) }, Have = { item.Key }, Want = { item.Key } };
        var bytes = new byte[SpreadCodec.SizeOf(frame)];
        SpreadCodec.Write(bytes, frame);
        return bytes;
    }
}

/// <summary>Messages of peer exchange: what is read can be written, and is the same.</summary>
internal sealed class ExchangeTarget() : Target("peer-exchange", ExchangeCodec.Write(new ExchangeMessage(ExchangeKind.List, 3, [new byte[] { 1, 2 }, new byte[300]])))
{
    public override void Feed(byte[] input, RandomSource random)
    {
        if (!ExchangeCodec.TryRead(input, out var message, out _)) return;
        Hold(ExchangeCodec.TryRead(ExchangeCodec.Write(message), out var again, out _), "what is read can be written");
        Hold(again!.Kind == message.Kind && again.Max == message.Max && again.Records!.Count == message.Records!.Count, "it is the same");
    }
}

/// <summary>Queries and answers of overlay search: nothing is an answer but what the peer has signed.</summary>
internal sealed class SearchTarget() : Target("overlay-search", Query, Answer)
{
    private static readonly NodeIdentity Identity = NodeIdentity.Generate();
    private static readonly byte[] Record = PeerRecords.Seal(Identity, 1, [Multiaddr.Parse("/ip4/127.0.0.1/tcp/1")]);
    private static readonly byte[] Query = SearchCodec.WriteQuery("subject", Record);
    private static readonly byte[] Answer = SearchCodec.WriteAnswer(new SpreadId(5), "subject", Record, Identity);

    public override void Feed(byte[] input, RandomSource random)
    {
        SearchCodec.TryReadQuery(input, out _);
        if (!SearchCodec.TryReadAnswer(new SpreadId(5), input, out var answer)) return;
        Hold(answer.Subject == "subject" && answer.Record.Peer.Equals(Identity.PeerId), "only what was signed is an answer");
    }
}
