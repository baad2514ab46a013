using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Streams;

namespace Starling.Protocols.Tests.Streams;

public sealed class EnvelopeCodecTests
{
    private const long Now = 1_800_000_000_000_000;

    [Fact]
    public void What_is_put_in_comes_out_in_order_with_its_counter_and_time() =>
        Prop.ForAll<byte[][], ushort[]>((payloads, delays) =>
        {
            payloads = [.. payloads.Where(payload => payload is not null)];
            var builder = new BundleBuilder((ulong)Now);
            builder.Add([1], Now);
            builder.Seal().Dispose();
            var time = Now;
            var times = new List<long>();
            foreach (var (payload, i) in payloads.Select((payload, i) => (payload, i)))
            {
                time += delays.Length == 0 ? 0 : delays[i % delays.Length];
                times.Add(time);
                Assert.Equal((ulong)i + 1, builder.Add(payload, time));
            }

            if (payloads.Length == 0) return;
            using var bundle = builder.Seal();
            Assert.Equal(EnvelopeRefusal.None, EnvelopeCodec.TryRead(bundle.Bytes, out var header));
            Assert.Equal(((ulong)Now, 1UL, payloads.Length, times[0]), (header.Epoch, header.First, header.Count, header.FirstTime));
            var cursor = new EnvelopeCursor(header);
            for (var i = 0; i < payloads.Length; i++)
            {
                Assert.True(cursor.TryNext(bundle.Bytes, out var entry));
                Assert.Equal(((ulong)i + 1, times[i]), (entry.Counter, entry.Time));
                Assert.True(bundle.Bytes.Slice(entry.Start, entry.Length).SequenceEqual(payloads[i]));
            }

            Assert.False(cursor.TryNext(bundle.Bytes, out _));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_envelope_cut_anywhere_or_with_a_byte_more_is_refused()
    {
        var whole = Bundles.Envelope(7, 300, 200, Now);
        for (var length = 0; length < whole.Length; length++) Assert.NotEqual(EnvelopeRefusal.None, EnvelopeCodec.TryRead(whole.AsSpan(0, length), out _));
        Assert.Equal(EnvelopeRefusal.Trailing, EnvelopeCodec.TryRead([.. whole, 0], out _));
        Assert.Equal(EnvelopeRefusal.None, EnvelopeCodec.TryRead(whole, out _));
    }

    [Fact]
    public void Every_change_of_one_byte_is_refused_or_read_within_bounds()
    {
        var whole = Bundles.Envelope(7, 1, 5, Now);
        for (var at = 0; at < whole.Length; at++)
        {
            for (var value = 0; value < 256; value++)
            {
                byte[] changed = [.. whole];
                changed[at] = (byte)value;
                if (EnvelopeCodec.TryRead(changed, out var header) != EnvelopeRefusal.None) continue;
                var cursor = new EnvelopeCursor(header);
                var count = 0;
                for (; cursor.TryNext(changed, out var entry); count++) Assert.InRange(entry.Start + entry.Length, entry.Start, changed.Length);
                Assert.Equal(header.Count, count);
            }
        }
    }

    [Theory]
    [InlineData(EnvelopeRefusal.Version, "02 01 00 00 01")]
    [InlineData(EnvelopeRefusal.Malformed, "")]
    [InlineData(EnvelopeRefusal.Malformed, "01 81 00 00 00 01")]
    [InlineData(EnvelopeRefusal.Count, "01 01 00 FF FF FF FF 07 01")]
    [InlineData(EnvelopeRefusal.Count, "01 01 00 02 01 00 00 00")]
    [InlineData(EnvelopeRefusal.Counter, "01 01 FF FF FF FF FF FF FF FF 7F 01 01 00 00")]
    [InlineData(EnvelopeRefusal.Time, "01 01 00 01 FF FF FF FF FF FF FF FF 7F 00 00")]
    [InlineData(EnvelopeRefusal.Time, "01 01 00 01 01 FF FF FF FF FF FF FF FF 7F 00")]
    [InlineData(EnvelopeRefusal.Malformed, "01 01 00 01 01 00 FF FF FF FF 07")]
    [InlineData(EnvelopeRefusal.Trailing, "01 01 00 00 01 00")]
    public void A_forged_envelope_is_refused_for_its_reason(EnvelopeRefusal reason, string hex) =>
        Assert.Equal(reason, EnvelopeCodec.TryRead(Convert.FromHexString(hex.Replace(" ", "")), out _));

    [Fact]
    public void A_full_bundle_takes_no_more_and_a_larger_message_goes_alone()
    {
        var builder = new BundleBuilder(1);
        Assert.True(builder.Fits(1 << 20));
        while (builder.Fits(100)) builder.Add(new byte[100], Now);
        Assert.InRange(builder.Size, BundleBuilder.TargetSize - 200, BundleBuilder.TargetSize);
        Assert.Throws<InvalidOperationException>(() => builder.Add(new byte[100], Now));
        builder.Seal().Dispose();
        builder.Add(new byte[1 << 20], Now);
        Assert.True(builder.IsFull);
        Assert.False(builder.Fits(0));
        builder.Seal().Dispose();
    }

    [Fact]
    public void A_bundle_is_due_at_once_when_nothing_is_on_its_way_else_when_it_is_full_and_few_are()
    {
        var builder = new BundleBuilder(1);
        Assert.False(builder.IsDue(0, isFull: true));
        builder.Add([1], Now);
        Assert.True(builder.IsDue(0, isFull: false));
        Assert.False(builder.IsDue(1, isFull: false));
        Assert.True(builder.IsDue(BundleBuilder.MaxOutstanding - 1, isFull: true));
        Assert.False(builder.IsDue(BundleBuilder.MaxOutstanding, isFull: true));
        builder.Seal().Dispose();
    }

    [Fact]
    public void Time_that_goes_back_stands_still()
    {
        var builder = new BundleBuilder(1);
        builder.Add([1], Now);
        builder.Add([2], Now - 5);
        using var bundle = builder.Seal();
        EnvelopeCodec.TryRead(bundle.Bytes, out var header);
        var cursor = new EnvelopeCursor(header);
        cursor.Skip(bundle.Bytes, 1);
        Assert.True(cursor.TryNext(bundle.Bytes, out var second));
        Assert.Equal(Now, second.Time);
    }

    [Fact]
    public void Walking_a_bundle_allocates_nothing()
    {
        var whole = Bundles.Envelope(7, 0, 500, Now);
        Walk(whole);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Walk(whole);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static int Walk(byte[] envelope)
    {
        if (EnvelopeCodec.TryRead(envelope, out var header) != EnvelopeRefusal.None) return 0;
        var cursor = new EnvelopeCursor(header);
        var sum = 0;
        while (cursor.TryNext(envelope, out var entry)) sum += entry.Length;
        return sum;
    }
}
