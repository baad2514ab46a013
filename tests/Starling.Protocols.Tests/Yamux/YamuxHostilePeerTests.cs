using Starling.Protocols.Yamux;
using static Starling.Protocols.Tests.Yamux.YamuxCoreTests;

namespace Starling.Protocols.Tests.Yamux;

/// <summary>What a peer can do wrong, and the one protocol error that each costs it.</summary>
public sealed class YamuxHostilePeerTests
{
    public static TheoryData<string, byte[]> Violations => new()
    {
        { "version", [7, .. Frame(YamuxFrameType.Ping, YamuxFlags.Syn, 0, 1)[1..]] },
        { "type", Frame((YamuxFrameType)4, YamuxFlags.None, 0, 0) },
        { "data for the session", Frame(YamuxFrameType.Data, YamuxFlags.None, 0, 0) },
        { "window update for the session", Frame(YamuxFrameType.WindowUpdate, YamuxFlags.None, 0, 1) },
        { "ping on a stream", Frame(YamuxFrameType.Ping, YamuxFlags.Syn, 1, 0) },
        { "go-away on a stream", Frame(YamuxFrameType.GoAway, YamuxFlags.None, 1, 0) },
        { "ping without a flag", Frame(YamuxFrameType.Ping, YamuxFlags.None, 0, 0) },
        { "an id of ours", Frame(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, 2, 0) },
        { "an id twice", [.. Frame(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, 1, 0), .. Frame(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, 1, 0)] },
        { "4 GiB announced", Frame(YamuxFrameType.Data, YamuxFlags.Syn, 1, uint.MaxValue) },
        { "one byte over the window", Frame(YamuxFrameType.Data, YamuxFlags.Syn, 1, YamuxOptions.InitialWindow + 1) },
        { "window beyond 32 bits", [.. Frame(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, 1, uint.MaxValue - YamuxOptions.InitialWindow), .. Frame(YamuxFrameType.WindowUpdate, YamuxFlags.None, 1, 1)] },
    };

    [Theory, MemberData(nameof(Violations))]
    public void Violation_ends_the_session(string what, byte[] bytes)
    {
        var end = new CoreEnd(false);
        end.Receive(bytes);
        Assert.True(end.Closed?.Reason == CloseReason.ProtocolError, what);
        Assert.StartsWith("yamux: ", end.Closed.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0u, CloseReason.RemoteClose)]
    [InlineData(1u, CloseReason.RemoteProtocolError)]
    [InlineData(2u, CloseReason.RemoteInternalError)]
    [InlineData(77u, CloseReason.RemoteInternalError)]
    public void Go_away_says_why_and_nothing_after_it_counts(uint code, CloseReason reason)
    {
        var end = new CoreEnd(false);
        end.Receive([.. Frame(YamuxFrameType.GoAway, YamuxFlags.None, 0, code), .. Frame(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, 1, 0)]);
        Assert.Equal(reason, end.Closed?.Reason);
        Assert.Equal(0, end.Core.StreamCount);
    }

    [Fact]
    public void Floods_end_in_a_protocol_error_and_slow_trickles_do_not()
    {
        var floods = new Dictionary<string, Func<uint, byte[]>>
        {
            ["pings"] = static i => Frame(YamuxFrameType.Ping, YamuxFlags.Syn, 0, i),
            ["answers to no ping"] = static i => Frame(YamuxFrameType.Ping, YamuxFlags.Ack, 0, i),
            ["empty frames"] = static _ => Frame(YamuxFrameType.Data, YamuxFlags.None, 1, 0),
            ["idle window updates"] = static _ => Frame(YamuxFrameType.WindowUpdate, YamuxFlags.None, 1, 0),
            ["opened and reset streams"] = static i => [.. Frame(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, 3 + (2 * i), 0), .. Frame(YamuxFrameType.WindowUpdate, YamuxFlags.Rst, 3 + (2 * i), 0)],
            ["streams beyond the limit"] = static i => Frame(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, 3 + (2 * i), 0),
            ["frames of streams that never were"] = static i => Frame(YamuxFrameType.WindowUpdate, YamuxFlags.None, 2 + (2 * i), 5),
        };
        foreach (var (what, flood) in floods)
        {
            Assert.True(Flood(flood, TimeSpan.Zero)?.Reason == CloseReason.ProtocolError, what);
            Assert.True(Flood(flood, TimeSpan.FromMilliseconds(100)) is null, what);
        }
    }

    [Fact]
    public void Data_after_the_end_resets_the_stream_only()
    {
        var end = new CoreEnd(false);
        end.Receive([.. Frame(YamuxFrameType.Data, YamuxFlags.Syn | YamuxFlags.Fin, 1, 0), .. Frame(YamuxFrameType.Data, YamuxFlags.None, 1, 3), 1, 2, 3]);
        Assert.Null(end.Closed);
        Assert.Equal(0, end.Core.StreamCount);
        end.Send();
        Assert.Equal(YamuxFlags.Rst, YamuxHeader.Read(end.Wire.ToArray()).Flags);
    }

    private static CloseInfo? Flood(Func<uint, byte[]> flood, TimeSpan pause)
    {
        var end = new CoreEnd(false, new YamuxOptions { WasteBurst = 200, PingBurst = 200, MaxInboundStreams = 10 });
        end.Receive(Frame(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, 1, 0));
        for (var i = 0u; i < 1000 && end.Closed is null; i++)
        {
            end.Now += pause;
            end.Receive(flood(i));
            end.Send();
        }

        return end.Closed;
    }
}
