using System.Text;
using Starling.Protocols.Transport;

namespace Starling.Net.Tests.Transport;

/// <summary>Handshakes with peers and networks that fail: each ends with a reason and leaves nothing behind.</summary>
public sealed class UpgraderTroubleTests
{
    private static readonly TimeSpan Patience = UpgradeRig.Patience;
    private static readonly HandshakeFailure[] Ended = [HandshakeFailure.Disconnected, HandshakeFailure.RefusedByRemote];

    public static TheoryData<string, bool> Handshakes => new() { { "tls", true }, { "tls", false }, { "noise", true }, { "noise", false } };

    private static CancellationToken Token => UpgradeRig.Token;

    [Theory]
    [MemberData(nameof(Handshakes))]
    public async Task A_connection_that_is_cut_after_any_byte_ends_as_cut(string security, bool fromDialler)
    {
        using var rig = new UpgradeRig(security, security);
        foreach (var cut in await PointsAsync(rig, fromDialler))
        {
            var raw = UpgradeRig.Pair();
            Troubled(raw, fromDialler).CutAfter = cut;
            var (near, far) = await rig.UpgradeAsync(raw);

            foreach (var end in new[] { near, far })
            {
                if (end.Link is { } link) await link.Closed.WaitAsync(Patience, Token);
                else Assert.True(end.Failure is { } failure && Ended.Contains(failure), $"cut after {cut}: {end.Error}");
            }

            await rig.AssertAllIsFreeAsync(near, far);
        }
    }

    [Theory]
    [MemberData(nameof(Handshakes))]
    public async Task A_peer_that_falls_silent_after_any_byte_is_given_up_in_time(string security, bool fromDialler)
    {
        using var rig = new UpgradeRig(security, security);
        var points = await PointsAsync(rig, fromDialler);
        foreach (var cut in points.Where((_, i) => i % 3 == 0))
        {
            var raw = UpgradeRig.Pair();
            var troubled = Troubled(raw, fromDialler);
            troubled.SwallowAfter = cut;
            var upgrading = rig.UpgradeAsync(raw);
            await troubled.Struck.WaitAsync(Patience, Token);
            rig.Clock.Advance(TimeSpan.FromSeconds(10));
            var (near, far) = await upgrading;

            // The last bytes are session tickets and the multiplexer's own, which no handshake waits for.
            var failures = new[] { near.Failure, far.Failure }.Where(failure => failure is not null).ToList();
            Assert.True(failures.Contains(HandshakeFailure.TimedOut) || (failures.Count == 0 && cut > points[^1] / 2), $"silent after {cut}: {near.Error} {far.Error}");
            await rig.AssertAllIsFreeAsync(near, far);
        }
    }

    [Theory]
    [InlineData("tls", true)]
    [InlineData("tls", false)]
    [InlineData("noise", true)]
    [InlineData("noise", false)]
    public async Task Cancelling_at_any_read_or_write_closes_the_connection(string security, bool dialler)
    {
        using var rig = new UpgradeRig(security, security);
        for (var at = 0; ; at++)
        {
            Assert.True(at < 200);
            var point = at;
            using var cancel = new CancellationTokenSource();
            var raw = UpgradeRig.Pair();
            Troubled(raw, dialler).OnOperation = number =>
            {
                if (number == point) cancel.Cancel();
            };
            var (near, far) = await rig.UpgradeAsync(raw, dialler ? cancel.Token : default, dialler ? default : cancel.Token);
            var (ours, theirs) = dialler ? (near, far) : (far, near);
            if (ours.Link is not null)
            {
                await rig.AssertAllIsFreeAsync(near, far);
                return;
            }

            Assert.True(ours.Error is OperationCanceledException, $"operation {at}: {ours.Error}");
            if (theirs.Link is { } link) await link.Closed.WaitAsync(Patience, Token);
            else Assert.True(theirs.Error is HandshakeException, $"operation {at}: {theirs.Error}");
            await rig.AssertAllIsFreeAsync(near, far);
        }
    }

    [Theory]
    [InlineData(Direction.Outbound)]
    [InlineData(Direction.Inbound)]
    public async Task A_peer_that_sends_a_byte_a_second_is_given_up_in_time(Direction side)
    {
        using var rig = new UpgradeRig();
        var raw = UpgradeRig.Pair();
        var (ours, theirs) = side == Direction.Outbound ? (raw.Dialler, raw.Listener) : (raw.Listener, raw.Dialler);
        var upgrading = Outcome(rig, ours, Token);
        foreach (var value in MultistreamMessage.Encode(MultistreamMessage.Header)[..10])
        {
            await theirs.Channel.WriteAsync(new[] { value }, Token);
            Assert.False(upgrading.IsCompleted);
            rig.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        var end = await upgrading.WaitAsync(Patience, Token);
        Assert.Equal(HandshakeFailure.TimedOut, end.Failure);
        Assert.Contains("security selection", end.Error!.Message);
        await rig.AssertAllIsFreeAsync(end);
    }

    [Theory]
    [InlineData(Direction.Outbound, "")]
    [InlineData(Direction.Inbound, "")]
    [InlineData(Direction.Outbound, "/tls/1.0.0")]
    [InlineData(Direction.Inbound, "/tls/1.0.0")]
    [InlineData(Direction.Outbound, "/noise")]
    [InlineData(Direction.Inbound, "/noise")]
    public async Task Garbage_instead_of_a_handshake_is_refused_by_name(Direction side, string agreed)
    {
        using var rig = new UpgradeRig(agreed == "/noise" ? "noise" : "tls", "tls,noise");
        var random = RandomSource.Seeded(7);
        byte[] opening = agreed.Length == 0 ? [] : MultistreamMessage.Encode(MultistreamMessage.Header, agreed);
        for (var round = 0; round < 60; round++)
        {
            var garbage = round switch
            {
                0 => Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: example\r\nAccept: */*\r\n\r\n"),
                1 => Encoding.ASCII.GetBytes(new string('x', 4096) + "\n"),
                2 => new byte[4096],
                3 => [.. Enumerable.Repeat((byte)0xff, 4096)],
                _ => Random(random, 1 + random.Next(300)),
            };
            var raw = UpgradeRig.Pair();
            var (ours, theirs) = side == Direction.Outbound ? (raw.Dialler, raw.Listener) : (raw.Listener, raw.Dialler);
            var upgrading = Outcome(rig, ours, Token);
            await theirs.Channel.WriteAsync((byte[])[.. opening, .. garbage], Token);
            await theirs.DisposeAsync();
            var end = await upgrading.WaitAsync(Patience, Token);

            Assert.True(end.Failure is HandshakeFailure.Malformed or HandshakeFailure.Disconnected or HandshakeFailure.RefusedByRemote, $"round {round}: {end.Error}");
            await rig.AssertAllIsFreeAsync(end);
        }
    }

    [Theory]
    [InlineData(Direction.Outbound)]
    [InlineData(Direction.Inbound)]
    public async Task A_line_without_end_is_refused_before_it_ends(Direction side)
    {
        using var rig = new UpgradeRig();
        var raw = UpgradeRig.Pair();
        var (ours, theirs) = side == Direction.Outbound ? (raw.Dialler, raw.Listener) : (raw.Listener, raw.Dialler);
        var upgrading = Outcome(rig, ours, Token);
        await theirs.Channel.WriteAsync((byte[])[0x80, 0x20, .. Enumerable.Repeat((byte)'x', 4000)], Token);

        var end = await upgrading.WaitAsync(Patience, Token);
        Assert.Equal(HandshakeFailure.Malformed, end.Failure);
        await rig.AssertAllIsFreeAsync(end);
    }

    private static Task<UpgradeRig.Outcome> Outcome(UpgradeRig rig, RawConnection raw, CancellationToken cancellationToken) =>
        UpgradeRig.Outcome.OfAsync(raw, (raw.Direction == Direction.Outbound ? rig.Dialler : rig.Listener).UpgradeAsync(raw, null, cancellationToken));

    private static TroubledStream Troubled((RawConnection Dialler, RawConnection Listener) raw, bool dialler) =>
        (TroubledStream)(dialler ? raw.Dialler : raw.Listener).Channel;

    private static byte[] Random(RandomSource random, int count)
    {
        var bytes = new byte[count];
        random.Fill(bytes);
        return bytes;
    }

    /// <summary>Byte counts at which to strike: everything that one side sends until its peer has a link, each early byte and then every few.</summary>
    private static async Task<List<long>> PointsAsync(UpgradeRig rig, bool fromDialler)
    {
        var raw = UpgradeRig.Pair();
        var counted = Troubled(raw, fromDialler);
        var (near, far) = await rig.UpgradeAsync(raw);
        Assert.NotNull(near.Link);
        var total = counted.Written;
        await rig.AssertAllIsFreeAsync(near, far);
        List<long> points = [];
        for (long at = 0; at < total; at += at < 40 ? 1 : 23) points.Add(at);
        return points;
    }
}
