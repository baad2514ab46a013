using Starling.Protocols.Yamux;

namespace Starling.Protocols.Tests.Yamux;

/// <summary>Feeds a core sessions of valid, mutated and random frames at random splits, while it answers; any exception is a finding.</summary>
public static class YamuxFuzzer
{
    private const int MostFrames = 24;

    /// <summary>Runs so many sessions.</summary>
    /// <param name="sessions">How many.</param>
    /// <param name="seed">The same seed gives the same sessions.</param>
    /// <exception cref="InvalidOperationException">A bound was broken; the message names the session.</exception>
    public static void Run(long sessions, ulong seed)
    {
        for (var session = 0L; session < sessions; session++)
        {
            var budget = new ResourceBudget();
            Session(RandomSource.Seeded(seed + (ulong)session), budget, $"seed {seed}, session {session}");
            if (budget.Used(ResourceKind.Streams) != 0 || budget.Used(ResourceKind.WindowBytes) != 0)
                throw new InvalidOperationException($"The budget was not given back (seed {seed}, session {session}).");
        }
    }

    private static void Session(RandomSource random, ResourceBudget budget, string name)
    {
        var options = new YamuxOptions { MaxInboundStreams = 5, AcceptBacklog = 3, WasteBurst = 16, PingBurst = 8 };
        var dialler = random.Next(2) == 0;
        var core = new YamuxCore(dialler, options, budget, default);
        List<YamuxStreamState> known = [];
        var now = new Instant(0);
        for (var i = random.Next(4); i > 0; i--) known.Add(core.Open()!);
        var bytes = Frames(random, dialler);
        ReadOnlySpan<byte> input = bytes;
        while (!input.IsEmpty)
        {
            now += TimeSpan.FromMicroseconds(random.Next(1000));
            var part = input[..(1 + random.Next(Math.Min(input.Length, 1500)))];
            input = input[part.Length..];
            while (core.Next(ref part, now, out var happened, out _))
                if (happened.Kind == YamuxEventKind.Opened) known.Add(happened.Stream!);
            if (!part.IsEmpty) throw new InvalidOperationException($"Input was left over ({name}).");
            Act(random, core, known, now);
            if (core.StreamCount > 4 + options.MaxInboundStreams) throw new InvalidOperationException($"Too many streams ({name}).");
        }

        core.OnTimer(now);
        core.Release();
    }

    private static void Act(RandomSource random, YamuxCore core, List<YamuxStreamState> known, Instant now)
    {
        if (known.Count > 0)
        {
            var stream = known[random.Next(known.Count)];
            switch (random.Next(6))
            {
                case 0: core.Accept(stream); break;
                case 1 when stream.Unread > 0: core.Consumed(stream, (int)Math.Min(stream.Unread, random.Next(1 << 20)), now); break;
                case 2 when !stream.LocalEnded: core.Offer(stream, random.Next(1 << 20)); break;
                case 3: core.Finish(stream); break;
                case 4: core.Reset(stream); break;
                case 5: core.Announce(stream); break;
            }
        }

        for (var frames = random.Next(8); frames > 0 && core.TryNextFrame(now, out _, out _, out _); frames--) core.Ping(now);
    }

    private static byte[] Frames(RandomSource random, bool dialler)
    {
        using var bytes = new MemoryStream();
        var bytesOfHeader = new byte[YamuxHeader.Size];
        var nextId = dialler ? 2u : 1u;
        for (var i = 1 + random.Next(MostFrames); i > 0; i--)
        {
            var header = random.Next(16) == 0 ? AnyFrame(random) : PlausibleFrame(random, ref nextId);
            header.Write(bytesOfHeader);
            bytes.Write(bytesOfHeader);
            if (header.Type == YamuxFrameType.Data) bytes.Write(new byte[Math.Min(header.Length, 4000)]);
        }

        var result = bytes.ToArray();
        for (var i = random.Next(3); i > 0; i--) result[random.Next(result.Length)] = (byte)random.Next(256);
        return result;
    }

    private static YamuxHeader AnyFrame(RandomSource random) => new(
        (byte)(random.Next(8) == 0 ? random.Next(256) : 0),
        (YamuxFrameType)random.Next(random.Next(8) == 0 ? 256 : 4),
        (YamuxFlags)random.Next(65536),
        (uint)(random.NextUInt64() >> (32 + random.Next(32))),
        (uint)(random.NextUInt64() >> (32 + random.Next(32))));

    private static YamuxHeader PlausibleFrame(RandomSource random, ref uint nextId)
    {
        var type = (YamuxFrameType)random.Next(2);
        var length = (uint)random.Next(random.Next(4) == 0 ? 4000 : 300);
        switch (random.Next(8))
        {
            case 0: return new YamuxHeader(YamuxFrameType.Ping, (YamuxFlags)(1 + random.Next(2)), 0, (uint)random.Next(3));
            case 1 or 2:
                nextId += 2;
                return new YamuxHeader(type, YamuxFlags.Syn | (random.Next(4) == 0 ? YamuxFlags.Fin : YamuxFlags.None), nextId - 2, length);
            case 3: return new YamuxHeader(type, YamuxFlags.Fin, (uint)random.Next(12) + 1, length);
            case 4: return new YamuxHeader(YamuxFrameType.WindowUpdate, random.Next(3) == 0 ? YamuxFlags.Rst : YamuxFlags.Ack, (uint)random.Next(12) + 1, length);
            default: return new YamuxHeader(type, YamuxFlags.None, (uint)random.Next(12) + 1, length);
        }
    }
}
