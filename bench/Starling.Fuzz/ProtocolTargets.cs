using System.Net;
using Starling.Protocols.Discovery;
using Starling.Protocols.Links;
using Starling.Protocols.Noise;
using Starling.Protocols.Yamux;

namespace Starling.Fuzz;

/// <summary>What a peer says of itself.</summary>
internal sealed class IdentifyMessages() : Target("identify", Sample())
{
    public override void Feed(byte[] input, RandomSource random)
    {
        if (!IdentifyCodec.TryDecode(input, out var message, out _)) return;
        Hold(message!.Protocols.Count <= IdentifyCodec.MaxProtocols && message.ListenAddresses.Count <= IdentifyCodec.MaxAddresses, "counts are bounded");
        if (!message.SignedPeerRecord.IsEmpty) PeerRecords.TryOpen(message.SignedPeerRecord.Span, out _, out _, out _);
    }

    private static byte[] Sample()
    {
        using var identity = NodeIdentity.Generate();
        IReadOnlyList<Multiaddr> addresses = [.. MultiaddrText.Examples.Select(Multiaddr.Parse)];
        return IdentifyCodec.Encode(new IdentifyMessage
        {
            PublicKey = identity.PublicKey.Encoded,
            AgentVersion = "agent",
            ProtocolVersion = "one",
            Protocols = ["/a/1", "/b/2"],
            ListenAddresses = addresses,
            ObservedAddress = addresses[0],
            SignedPeerRecord = PeerRecords.Seal(identity, 1, addresses),
        });
    }
}

/// <summary>What a peer says about its link, from the bytes to the agreement on the link's kind.</summary>
internal sealed class LinkFrames() : Target("link", [.. Examples().Select(LinkFrameCodec.Encode)])
{
    private readonly List<LinkKindEffect> _effects = [];
    private LinkKindCore _core = new(goesFirst: true, LinkKind.Transient);

    public override void Feed(byte[] input, RandomSource random)
    {
        if (!LinkFrameCodec.TryDecode(input, out var frame)) return;
        var text = frame switch
        {
            LinkFrame.Goodbye goodbye => goodbye.Text,
            LinkFrame.Answer answer => answer.Text,
            _ => "",
        };
        Hold(text.Length <= LinkFrameCodec.MaxTextLength && !text.Any(char.IsControl), "texts are cut and cleaned");
        _effects.Clear();
        if (!_core.IsProposing && random.Next(2) == 0) _core.Propose(LinkKind.Direct, _effects);
        if (!_core.Receive(frame, _ => random.Next(2) == 0 ? "no" : null, _effects)) _core = new LinkKindCore(random.Next(2) == 0, LinkKind.Transient);
        Hold(_effects.Count <= 5, "one message asks for little");
    }

    private static LinkFrame[] Examples() =>
    [
        new LinkFrame.Goodbye(CloseReason.Pruned, "enough"),
        new LinkFrame.Proposal(LinkKind.Direct),
        new LinkFrame.Answer(false, "no"),
        new LinkFrame.Readiness(true),
    ];
}

/// <summary>mDNS packets, read by the codec and by the core, whose tables stay within their bounds.</summary>
internal sealed class MdnsPackets : Target
{
    private static readonly MdnsOptions Options = new();
    private readonly List<DiscoveryEffect> _effects = [];
    private MdnsCore _core = null!;
    private int _fed;

    public MdnsPackets()
        : base("mdns", Samples())
    {
    }

    public override void Feed(byte[] input, RandomSource random)
    {
        if (DnsMessage.TryRead(input, out var message) == DnsError.None) message!.Write();
        if (_fed++ % 1000 == 0)
        {
            _core = Core(PeerIdOf(1));
            _core.Start(new Instant(0), _effects);
        }

        _core.Receive(0, input, new Instant(TimeSpan.TicksPerMillisecond * _fed), _effects);
        _core.Tick(new Instant(TimeSpan.TicksPerMillisecond * _fed), _effects);
        _effects.Clear();
    }

    private static new byte[][] Samples()
    {
        var effects = new List<DiscoveryEffect>();
        var core = Core(PeerIdOf(2));
        core.Start(new Instant(0), effects);
        core.SetAddresses([Multiaddr.Parse("/ip4/127.0.0.1/tcp/4001")], new Instant(1), effects);
        for (var second = 1; second < 5; second++) core.Tick(new Instant(second * TimeSpan.TicksPerSecond), effects);
        return [.. effects.OfType<DiscoveryEffect.Send>().Select(send => send.Packet)];
    }

    private static MdnsCore Core(PeerId self) => new(self, Options, [new MulticastInterface(IPAddress.Loopback)], RandomSource.Seeded(7));

    private static PeerId PeerIdOf(byte number) => PeerId.FromBytes([0, 36, 8, 1, 18, 32, .. Enumerable.Repeat(number, 32)]);
}

/// <summary>SSDP packets, read by the codec, written again to the same, and taken by the core.</summary>
internal sealed class SsdpPackets : Target
{
    private static readonly IPEndPoint Group = IPEndPoint.Parse("239.255.255.250:1900");
    private static readonly PeerId Other = PeerId.FromBytes([0, 36, 8, 1, 18, 32, .. Enumerable.Repeat((byte)2, 32)]);
    private readonly List<DiscoveryEffect> _effects = [];
    private SsdpCore _core = null!;
    private int _fed;

    public SsdpPackets()
        : base("ssdp", Samples())
    {
    }

    public override void Feed(byte[] input, RandomSource random)
    {
        if (SsdpMessage.Read(input, out var message) is null
            && (SsdpMessage.Read(message!.Write(Group), out var again) is not null || !again!.Service.Equals(message.Service, StringComparison.Ordinal) || !Equals(again.Peer, message.Peer)))
        {
            throw new InvalidOperationException("A message that was read is not read again after it was written.");
        }

        if (_fed++ % 1000 == 0)
        {
            _core = new SsdpCore(PeerId.FromBytes([0, 36, 8, 1, 18, 32, .. new byte[32]]), new SsdpOptions { AllowForeignLocations = true }, Group, [new MulticastInterface(IPAddress.Loopback)], RandomSource.Seeded(7));
            _core.SetAddresses([Multiaddr.Parse("/ip4/127.0.0.1/tcp/4001")], new Instant(0), _effects);
            _core.Start(new Instant(0), _effects);
        }

        _core.Receive(0, new IPEndPoint(IPAddress.Loopback, 1 + random.Next(65535)), input, new Instant(TimeSpan.TicksPerMillisecond * _fed), _effects);
        _core.Tick(new Instant(TimeSpan.TicksPerMillisecond * _fed), _effects);
        _effects.Clear();
    }

    private static new byte[][] Samples()
    {
        var place = IPEndPoint.Parse("127.0.0.1:4001");
        return
        [
            new SsdpMessage(SsdpKind.Search, "urn:nebula-service").Write(Group),
            new SsdpMessage(SsdpKind.Answer, "urn:nebula-service") { Location = place, Peer = Other, MaxAge = TimeSpan.FromMinutes(30) }.Write(Group),
            new SsdpMessage(SsdpKind.Beacon, "urn:nebula-service") { Location = place, Latitude = 1.5, Longitude = -2 }.Write(Group),
        ];
    }
}

/// <summary>A yamux session fed in pieces, with an application that reads, writes and closes: it gives all of its budget back.</summary>
internal sealed class YamuxSessions() : Target("yamux", Session(1), Session(2))
{
    public override void Feed(byte[] input, RandomSource random)
    {
        var budget = new ResourceBudget();
        var core = new YamuxCore(random.Next(2) == 0, new YamuxOptions(), budget, new Instant(0));
        var now = new Instant(0);
        if (core.Open() is { } own) core.Offer(own, random.Next(100_000));
        for (var at = 0; at < input.Length;)
        {
            var piece = Math.Min(input.Length - at, 1 + random.Next(400));
            ReadOnlySpan<byte> rest = input.AsSpan(at, piece);
            at += piece;
            now += TimeSpan.FromMilliseconds(random.Next(10));
            while (core.Next(ref rest, now, out var happened, out var payload)) Act(core, happened, payload.Length, now, random);
            for (var frames = 0; frames < 1000 && core.TryNextFrame(now, out _, out _, out var length); frames++) Hold(length <= YamuxCore.FramePayload, "a frame is within its bound");
        }

        core.OnTimer(now + TimeSpan.FromMinutes(1));
        core.Release();
        foreach (var kind in Enum.GetValues<ResourceKind>()) Hold(budget.Used(kind) == 0, $"{kind} are given back");
    }

    private static void Act(YamuxCore core, YamuxEvent happened, int length, Instant now, RandomSource random)
    {
        switch (happened.Kind)
        {
            case YamuxEventKind.Opened when random.Next(4) > 0:
                core.Accept(happened.Stream!);
                core.Offer(happened.Stream!, random.Next(1000));
                break;
            case YamuxEventKind.Data when random.Next(4) > 0:
                core.Consumed(happened.Stream!, length, now);
                break;
            case YamuxEventKind.Ended:
                core.Finish(happened.Stream!);
                break;
            case YamuxEventKind.Data when random.Next(4) == 0:
                core.Reset(happened.Stream!);
                break;
        }
    }

    private static byte[] Session(uint id)
    {
        var bytes = new List<byte>();
        var header = new byte[YamuxHeader.Size];
        void Add(YamuxFrameType type, YamuxFlags flags, uint stream, uint length, int body = 0)
        {
            new YamuxHeader(type, flags, stream, length).Write(header);
            bytes.AddRange(header);
            bytes.AddRange(new byte[body]);
        }

        Add(YamuxFrameType.Ping, YamuxFlags.Syn, 0, 7);
        Add(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, id, 1000);
        Add(YamuxFrameType.WindowUpdate, YamuxFlags.Ack, 3 - id, 65536);
        Add(YamuxFrameType.Data, YamuxFlags.None, id, 40, 40);
        Add(YamuxFrameType.Data, YamuxFlags.Syn, id + 2, 10, 10);
        Add(YamuxFrameType.Data, YamuxFlags.Fin, id, 5, 5);
        Add(YamuxFrameType.WindowUpdate, YamuxFlags.Rst, id + 2, 0);
        Add(YamuxFrameType.GoAway, YamuxFlags.None, 0, 0);
        return [.. bytes];
    }
}

/// <summary>Each message of a Noise handshake, in either role: what was changed is refused with a named failure.</summary>
internal sealed class NoiseHandshakes : Target
{
    private static readonly string[] Muxers = ["/yamux/1.0.0"];
    private static readonly NodeIdentity Identity = NodeIdentity.Generate();
    private static readonly X25519Key Static = X25519Key.Generate(RandomSource.Seeded(1));
    private static readonly X25519Key Ephemeral = X25519Key.Generate(RandomSource.Seeded(2));
    private static readonly byte[] Payload = NoisePayload.Encode(Identity.PublicKey, NoisePayload.Sign(Identity, Static.PublicKey.Span), Muxers);

    public NoiseHandshakes()
        : base("noise", First(), Second(First()), Payload)
    {
    }

    public override void Feed(byte[] input, RandomSource random)
    {
        try
        {
            NoisePayload.Decode(input, Static.PublicKey.Span);
        }
        catch (HandshakeException)
        {
            // Refused, with its reason.
        }

        using var handshake = Start(random.Next(2) == 0 ? Direction.Inbound : Direction.Outbound);
        if (handshake.WritesNext) handshake.Write(new byte[handshake.WriteLength]);
        try
        {
            handshake.Read(input);
        }
        catch (HandshakeException)
        {
            return;
        }

        Hold(!handshake.IsComplete, "one message completes nothing");
    }

    private static NoiseHandshake Start(Direction side) => new(side, Static, Ephemeral, Payload, Muxers, null);

    private static byte[] First()
    {
        using var initiator = Start(Direction.Outbound);
        return Write(initiator);
    }

    private static byte[] Second(byte[] first)
    {
        using var responder = Start(Direction.Inbound);
        responder.Read(first);
        return Write(responder);
    }

    private static byte[] Write(NoiseHandshake side)
    {
        var message = new byte[side.WriteLength];
        side.Write(message);
        return message;
    }
}
