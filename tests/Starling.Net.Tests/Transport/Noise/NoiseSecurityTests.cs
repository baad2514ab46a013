using Starling.Net.Transport.Noise;

namespace Starling.Net.Tests.Transport.Noise;

public sealed class NoiseSecurityTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly string[] Yamux = ["/yamux/1.0.0"];

    private readonly NodeIdentity _dialler = NodeIdentity.Generate();
    private readonly NodeIdentity _listener = NodeIdentity.Generate();
    private readonly NoiseSecurity _outbound;
    private readonly NoiseSecurity _inbound;

    public NoiseSecurityTests()
    {
        _outbound = new NoiseSecurity(_dialler);
        _inbound = new NoiseSecurity(_listener);
    }

    public void Dispose()
    {
        _outbound.Dispose();
        _inbound.Dispose();
        _dialler.Dispose();
        _listener.Dispose();
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(7)]
    [InlineData(1)]
    public async Task Both_ends_prove_who_they_are_however_the_bytes_arrive(int piece)
    {
        var (left, right) = Wire.Pair();
        left.Piece = right.Piece = piece;

        var dialled = _outbound.SecureAsync(left, Direction.Outbound, _listener.PeerId, Yamux, Token);
        var accepted = _inbound.SecureAsync(right, Direction.Inbound, null, Yamux, Token);

        var (there, here) = (await dialled.WaitAsync(Patience, Token), await accepted.WaitAsync(Patience, Token));
        Assert.Equal(_listener.PeerId, there.RemotePeer);
        Assert.Equal(_dialler.PublicKey, here.RemoteKey);
        Assert.Equal("/yamux/1.0.0", there.Muxer);
        Assert.Equal("/yamux/1.0.0", here.Muxer);
        await there.Stream.WriteAsync("ping"u8.ToArray(), Token);
        await here.Stream.WriteAsync("pong"u8.ToArray(), Token);
        Assert.Equal("ping"u8.ToArray(), await ReadExactlyAsync(here.Stream, 4));
        Assert.Equal("pong"u8.ToArray(), await ReadExactlyAsync(there.Stream, 4));
    }

    [Fact]
    public async Task A_dialler_that_meets_another_peer_says_who_was_expected_and_who_answered()
    {
        using var other = NodeIdentity.Generate();
        var (left, right) = Wire.Pair();
        var accepted = _inbound.SecureAsync(right, Direction.Inbound, null, Yamux, Token);

        var failure = await Assert.ThrowsAsync<HandshakeException>(() =>
            _outbound.SecureAsync(left, Direction.Outbound, other.PeerId, Yamux, Token).WaitAsync(Patience, Token));
        await left.DisposeAsync();

        Assert.Equal(HandshakeFailure.PeerIdMismatch, failure.Failure);
        var end = await Assert.ThrowsAsync<HandshakeException>(() => accepted.WaitAsync(Patience, Token));
        Assert.Equal(HandshakeFailure.Disconnected, end.Failure);
    }

    [Fact]
    public async Task A_connection_that_ends_anywhere_in_the_handshake_is_reported_as_such()
    {
        var (left, right) = Wire.Pair();
        var accepted = _inbound.SecureAsync(right, Direction.Inbound, null, Yamux, Token);
        await _outbound.SecureAsync(left, Direction.Outbound, null, Yamux, Token).WaitAsync(Patience, Token);
        await accepted.WaitAsync(Patience, Token);

        foreach (var (side, length) in new[] { (Direction.Inbound, left.Writes[0]), (Direction.Outbound, right.Writes[0]) })
        {
            for (var cut = 0; cut < length; cut += 5)
            {
                var failure = await CutAsync(side, cut);
                Assert.Equal(HandshakeFailure.Disconnected, failure.Failure);
            }
        }
    }

    [Theory]
    [InlineData(Direction.Inbound)]
    [InlineData(Direction.Outbound)]
    public async Task A_silent_other_side_is_left_when_the_deadline_comes(Direction side)
    {
        var (left, _) = Wire.Pair();
        using var deadline = new CancellationTokenSource();
        var handshake = _outbound.SecureAsync(left, side, null, Yamux, deadline.Token);

        await deadline.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handshake.WaitAsync(Patience, Token));
        Assert.False(left.Disposed);
    }

    [Fact]
    public async Task An_altered_answer_is_malformed()
    {
        var (left, right) = Wire.Pair();
        right.Change = block =>
        {
            block[^1] ^= 1;
            return block;
        };
        var accepted = _inbound.SecureAsync(right, Direction.Inbound, null, Yamux, Token);

        var failure = await Assert.ThrowsAsync<HandshakeException>(() =>
            _outbound.SecureAsync(left, Direction.Outbound, null, Yamux, Token).WaitAsync(Patience, Token));
        await left.DisposeAsync();

        Assert.Equal(HandshakeFailure.Malformed, failure.Failure);
        await Assert.ThrowsAsync<HandshakeException>(() => accepted.WaitAsync(Patience, Token));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Runs one side against a real other one whose first write is cut off and followed by the end.</summary>
    private async Task<HandshakeException> CutAsync(Direction victim, int cut)
    {
        var (left, right) = Wire.Pair();
        var cutter = victim == Direction.Inbound ? left : right;
        cutter.Change = block =>
        {
            _ = Task.Run(cutter.DisposeAsync, Token);
            return block[..cut];
        };
        var dialled = _outbound.SecureAsync(left, Direction.Outbound, null, Yamux, Token);
        var accepted = _inbound.SecureAsync(right, Direction.Inbound, null, Yamux, Token);
        var (watched, other) = victim == Direction.Inbound ? (accepted, dialled) : (dialled, accepted);
        var failure = await Assert.ThrowsAsync<HandshakeException>(() => watched.WaitAsync(Patience, Token));
        await (victim == Direction.Inbound ? right : left).DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => other.WaitAsync(Patience, Token));
        return failure;
    }

    private static async Task<byte[]> ReadExactlyAsync(Stream stream, int count)
    {
        var buffer = new byte[count];
        await stream.ReadExactlyAsync(buffer, Token).AsTask().WaitAsync(Patience, Token);
        return buffer;
    }
}
