using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Yamux;

namespace Starling.Protocols.Tests.Yamux;

public sealed class YamuxCodecTests
{
    [Fact]
    public void Header_is_twelve_bytes_in_network_order()
    {
        var bytes = new byte[YamuxHeader.Size];
        new YamuxHeader(YamuxFrameType.WindowUpdate, YamuxFlags.Syn | YamuxFlags.Fin, 0x01020304, 0xA0B0C0D0).Write(bytes);
        Assert.Equal("000100050102030" + "4A0B0C0D0", Convert.ToHexString(bytes));
    }

    [Fact]
    public void Any_twelve_bytes_read_and_write_back_the_same() => Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>().Filter(static bytes => bytes.Length >= YamuxHeader.Size),
        static bytes =>
        {
            var written = new byte[YamuxHeader.Size];
            YamuxHeader.Read(bytes).Write(written);
            return written.AsSpan().SequenceEqual(bytes.AsSpan(0, YamuxHeader.Size));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Session_reads_the_same_at_every_split_point()
    {
        var bytes = Recorded(out var whole);
        for (var split = 0; split <= bytes.Length; split++)
        {
            var end = new CoreEnd(dialler: false);
            end.Receive(bytes.AsSpan(0, split));
            end.Receive(bytes.AsSpan(split));
            Assert.Equal(whole, Seen(end));
        }
    }

    [Fact]
    public void Session_reads_the_same_byte_by_byte()
    {
        var bytes = Recorded(out var whole);
        var end = new CoreEnd(dialler: false);
        foreach (var value in bytes) end.Receive([value]);
        Assert.Equal(whole, Seen(end));
    }

    [Fact]
    public void Mutated_and_random_sessions_break_nothing() => YamuxFuzzer.Run(20_000, seed: 20260101);

    [Fact]
    public void Random_bytes_break_nothing() => Prop.ForAll<byte[]>(static bytes =>
    {
        var core = new YamuxCore(false, new YamuxOptions(), new ResourceBudget(), default);
        ReadOnlySpan<byte> input = bytes;
        while (core.Next(ref input, default, out _, out _)) continue;
        return input.IsEmpty;
    }).QuickCheckThrowOnFailure();

    private static byte[] Recorded(out string seen)
    {
        var dialler = new CoreEnd(dialler: true);
        var (first, second) = (dialler.Open(), dialler.Open());
        dialler.Core.Offer(first, 70);
        dialler.Send();
        dialler.Core.Announce(second);
        dialler.Core.Ping(default);
        dialler.Core.Offer(second, 33);
        dialler.Core.Finish(first);
        dialler.Send();
        dialler.Core.Reset(second);
        dialler.Core.GoAway(YamuxGoAway.Normal);
        dialler.Send();
        var bytes = dialler.Wire.ToArray();
        var end = new CoreEnd(dialler: false);
        end.Receive(bytes);
        seen = Seen(end);
        Assert.Equal(CloseReason.RemoteClose, end.Closed?.Reason);
        return bytes;
    }

    private static string Seen(CoreEnd end) =>
        string.Join(' ', end.Events.Select(static happened => $"{happened.Kind}:{happened.Stream?.Id}"))
        + " " + string.Join(' ', end.Streams.Select(stream => $"{stream.Id}={end.Received(stream)}"));
}
