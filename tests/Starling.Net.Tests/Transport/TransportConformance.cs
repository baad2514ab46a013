using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport;

/// <summary>What every transport owes; TCP and in-memory inherit the same tests.</summary>
public abstract class TransportConformance
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    protected abstract ITransport Transport { get; }

    protected abstract Multiaddr AnyAddress { get; }

    protected abstract Multiaddr ForeignAddress { get; }

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bytes_arrive_in_order_both_ways()
    {
        await using var pair = await PairAsync();
        var there = RandomBytes(1, 300_000);
        var back = RandomBytes(2, 200_000);

        var received = await Task.WhenAll(
            ReadAsync(pair.Listener.Channel, there.Length),
            ReadAsync(pair.Dialler.Channel, back.Length),
            WriteAsync(pair.Dialler.Channel, there),
            WriteAsync(pair.Listener.Channel, back)).WaitAsync(Patience, Token);

        Assert.Equal(there, received[0]);
        Assert.Equal(back, received[1]);
    }

    [Fact]
    public async Task A_listener_says_where_it_really_listens()
    {
        await using var listener = await Transport.ListenAsync(AnyAddress, Token);
        var address = Assert.Single(listener.Addresses);

        Assert.NotEqual(AnyAddress, address);
        Assert.True(Transport.CanDial(address));
    }

    [Fact]
    public async Task Both_ends_know_the_addresses_and_who_dialled()
    {
        await using var pair = await PairAsync();

        Assert.Equal(Direction.Outbound, pair.Dialler.Direction);
        Assert.Equal(Direction.Inbound, pair.Listener.Direction);
        Assert.Equal(pair.Dialler.RemoteAddress, pair.Listener.LocalAddress);
        Assert.Equal(pair.Dialler.LocalAddress, pair.Listener.RemoteAddress);
    }

    [Fact]
    public async Task A_peer_id_in_the_dialled_address_does_not_change_where_it_leads()
    {
        await using var listener = await Transport.ListenAsync(AnyAddress, Token);
        using var identity = NodeIdentity.Generate(KeyType.Ecdsa);

        await using var dialled = await Transport.DialAsync(listener.Addresses[0].WithPeerId(identity.PeerId), Token);

        Assert.Equal(listener.Addresses[0], dialled.RemoteAddress);
    }

    [Fact]
    public async Task Closing_one_end_is_the_end_of_the_stream_at_the_other_after_all_bytes()
    {
        await using var pair = await PairAsync();
        await pair.Dialler.Channel.WriteAsync(RandomBytes(3, 1000), Token);
        await pair.Dialler.DisposeAsync();

        Assert.Equal(RandomBytes(3, 1000), await ReadAsync(pair.Listener.Channel, 1000).WaitAsync(Patience, Token));
        Assert.Equal(0, await pair.Listener.Channel.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task Disposing_an_end_wakes_its_own_pending_read()
    {
        await using var pair = await PairAsync();
        var read = pair.Dialler.Channel.ReadAsync(new byte[1], Token).AsTask();
        await pair.Dialler.DisposeAsync();

        var count = 0;
        var error = await Record.ExceptionAsync(async () => count = await read.WaitAsync(Patience, Token));
        Assert.True(error is null ? count == 0 : error is IOException or ObjectDisposedException or OperationCanceledException, error?.ToString());
    }

    [Fact]
    public async Task A_cancelled_read_loses_nothing()
    {
        await using var pair = await PairAsync();
        for (var round = 0; round < 20; round++)
        {
            using var cancel = new CancellationTokenSource();
            var read = pair.Listener.Channel.ReadAsync(new byte[10], cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.WaitAsync(Patience, Token));
        }

        await pair.Dialler.Channel.WriteAsync(RandomBytes(4, 5000), Token);
        Assert.Equal(RandomBytes(4, 5000), await ReadAsync(pair.Listener.Channel, 5000).WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task An_empty_read_waits_for_data_and_takes_none()
    {
        await using var pair = await PairAsync();
        var waiting = pair.Listener.Channel.ReadAsync(Memory<byte>.Empty, Token).AsTask();
        Assert.False(waiting.IsCompleted);

        await pair.Dialler.Channel.WriteAsync(new byte[] { 7 }, Token);
        Assert.Equal(0, await waiting.WaitAsync(Patience, Token));
        Assert.Equal([7], await ReadAsync(pair.Listener.Channel, 1).WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task A_writer_waits_for_a_slow_reader()
    {
        await using var pair = await PairAsync();
        var data = RandomBytes(5, 32 << 20);
        var writing = WriteAsync(pair.Dialler.Channel, data);
        await pair.Listener.Channel.ReadAsync(Memory<byte>.Empty, Token).AsTask().WaitAsync(Patience, Token);
        Assert.False(writing.IsCompleted);

        Assert.Equal(data, await ReadAsync(pair.Listener.Channel, data.Length).WaitAsync(Patience, Token));
        await writing.WaitAsync(Patience, Token);
    }

    [Fact]
    public async Task Dialling_where_nobody_listens_says_so()
    {
        Multiaddr gone;
        await using (var listener = await Transport.ListenAsync(AnyAddress, Token)) gone = listener.Addresses[0];

        var error = await Assert.ThrowsAsync<HandshakeException>(() => Transport.DialAsync(gone, Token).AsTask().WaitAsync(Patience, Token));

        Assert.Equal(HandshakeFailure.TransportFailed, error.Failure);
        Assert.Contains("refused", error.Message);
        Assert.Contains(gone.ToString(), error.Message);
    }

    [Fact]
    public async Task An_address_of_another_transport_is_refused_by_name()
    {
        Assert.False(Transport.CanDial(ForeignAddress));
        Assert.False(Transport.CanListen(ForeignAddress));
        var dial = await Assert.ThrowsAsync<HandshakeException>(() => Transport.DialAsync(ForeignAddress, Token).AsTask());
        Assert.Equal(HandshakeFailure.UnsupportedAddress, dial.Failure);
        var listen = await Assert.ThrowsAsync<StarlingException>(() => Transport.ListenAsync(ForeignAddress, Token).AsTask());
        Assert.Contains(ForeignAddress.ToString(), listen.Message);
    }

    [Fact]
    public async Task An_address_is_listened_on_once()
    {
        await using var listener = await Transport.ListenAsync(AnyAddress, Token);
        var error = await Assert.ThrowsAsync<StarlingException>(() => Transport.ListenAsync(listener.Addresses[0], Token).AsTask());
        Assert.Contains("in use", error.Message);
    }

    [Fact]
    public async Task Several_listeners_accept_side_by_side()
    {
        await using var first = await Transport.ListenAsync(AnyAddress, Token);
        await using var second = await Transport.ListenAsync(AnyAddress, Token);
        await using var toSecond = await Transport.DialAsync(second.Addresses[0], Token);
        await using var toFirst = await Transport.DialAsync(first.Addresses[0], Token);

        await using var atFirst = await first.AcceptAsync(Token).AsTask().WaitAsync(Patience, Token);
        await using var atSecond = await second.AcceptAsync(Token).AsTask().WaitAsync(Patience, Token);

        Assert.Equal(toFirst.LocalAddress, atFirst!.RemoteAddress);
        Assert.Equal(toSecond.LocalAddress, atSecond!.RemoteAddress);
    }

    [Fact]
    public async Task Disposing_a_listener_ends_a_waiting_accept()
    {
        var listener = await Transport.ListenAsync(AnyAddress, Token);
        var accept = listener.AcceptAsync(Token).AsTask();
        await listener.DisposeAsync();

        Assert.Null(await accept.WaitAsync(Patience, Token));
        Assert.Null(await listener.AcceptAsync(Token).AsTask().WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task A_cancelled_accept_leaves_the_listener_accepting()
    {
        await using var listener = await Transport.ListenAsync(AnyAddress, Token);
        using var cancel = new CancellationTokenSource();
        var accept = listener.AcceptAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accept.WaitAsync(Patience, Token));

        await using var dialled = await Transport.DialAsync(listener.Addresses[0], Token);
        await using var accepted = await listener.AcceptAsync(Token).AsTask().WaitAsync(Patience, Token);
        Assert.NotNull(accepted);
    }

    [Fact]
    public async Task A_cancelled_dial_ends_as_cancelled()
    {
        await using var listener = await Transport.ListenAsync(AnyAddress, Token);
        using var cancel = new CancellationTokenSource();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Transport.DialAsync(listener.Addresses[0], cancel.Token).AsTask());
    }

    protected async Task<Pair> PairAsync()
    {
        var listener = await Transport.ListenAsync(AnyAddress, Token);
        var accepting = listener.AcceptAsync(Token).AsTask();
        var dialler = await Transport.DialAsync(listener.Addresses[0], Token).AsTask().WaitAsync(Patience, Token);
        return new Pair(listener, dialler, (await accepting.WaitAsync(Patience, Token))!);
    }

    private static byte[] RandomBytes(ulong seed, int count)
    {
        var bytes = new byte[count];
        RandomSource.Seeded(seed).Fill(bytes);
        return bytes;
    }

    private static async Task<byte[]> ReadAsync(Stream channel, int count)
    {
        var bytes = new byte[count];
        await channel.ReadExactlyAsync(bytes, Token);
        return bytes;
    }

    private static async Task<byte[]> WriteAsync(Stream channel, byte[] bytes)
    {
        await channel.WriteAsync(bytes, Token);
        return bytes;
    }

    protected sealed record Pair(ITransportListener Endpoint, RawConnection Dialler, RawConnection Listener) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Dialler.DisposeAsync();
            await Listener.DisposeAsync();
            await Endpoint.DisposeAsync();
        }
    }
}

public sealed class MemoryTransportTests : TransportConformance
{
    private readonly MemoryNetwork _network = new();

    protected override ITransport Transport => new MemoryTransport(_network);

    protected override Multiaddr AnyAddress { get; } = Multiaddr.Parse("/memory/0");

    protected override Multiaddr ForeignAddress { get; } = Multiaddr.Parse("/ip4/127.0.0.1/tcp/4001");

    [Fact]
    public async Task A_cut_cable_fails_both_ends()
    {
        await using var pair = await PairAsync();
        var read = pair.Listener.Channel.ReadAsync(new byte[1], Token).AsTask();
        ((ByteDuplexStream)pair.Dialler.Channel).Abort();

        await Assert.ThrowsAnyAsync<IOException>(() => read.WaitAsync(TimeSpan.FromSeconds(20), Token));
        await Assert.ThrowsAnyAsync<IOException>(() => pair.Listener.Channel.WriteAsync(new byte[1], Token).AsTask());
    }
}

public sealed class TcpTransportTests : TransportConformance
{
    protected override ITransport Transport { get; } = new TcpTransport(new TcpTransportOptions(), TimeProvider.System);

    protected override Multiaddr AnyAddress { get; } = Multiaddr.Parse("/ip4/127.0.0.1/tcp/0");

    protected override Multiaddr ForeignAddress { get; } = Multiaddr.Parse("/memory/7");

    [Fact]
    public async Task IPv6_loopback_works_the_same()
    {
        if (!System.Net.Sockets.Socket.OSSupportsIPv6) Assert.Skip("This machine has no IPv6.");
        await using var listener = await Transport.ListenAsync(Multiaddr.Parse("/ip6/::1/tcp/0"), Token);
        await using var dialled = await Transport.DialAsync(listener.Addresses[0], Token);
        await using var accepted = await listener.AcceptAsync(Token);
        Assert.StartsWith("/ip6/::1/tcp/", accepted!.LocalAddress.ToString());
    }

    [Fact]
    public async Task A_dual_stack_listener_takes_both_families()
    {
        if (!System.Net.Sockets.Socket.OSSupportsIPv6) Assert.Skip("This machine has no IPv6.");
        var transport = new TcpTransport(new TcpTransportOptions { DualStack = true }, TimeProvider.System);
        await using var listener = await transport.ListenAsync(Multiaddr.Parse("/ip6/::/tcp/0"), Token);
        var port = listener.Addresses[0].Port;

        await using var four = await transport.DialAsync(Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{port}"), Token);
        await using var atFour = await listener.AcceptAsync(Token);
        await using var six = await transport.DialAsync(Multiaddr.Parse($"/ip6/::1/tcp/{port}"), Token);
        await using var atSix = await listener.AcceptAsync(Token);

        Assert.Equal("ip4", atFour!.RemoteAddress.Components[0].Protocol);
        Assert.Equal("ip6", atSix!.RemoteAddress.Components[0].Protocol);
    }

    [Fact]
    public async Task A_wildcard_listener_names_the_loopback_address_too()
    {
        await using var listener = await Transport.ListenAsync(Multiaddr.Parse("/ip4/0.0.0.0/tcp/0"), Token);
        Assert.Contains(listener.Addresses, address => address.Host == "127.0.0.1");
        Assert.DoesNotContain(listener.Addresses, address => address.IsUnspecified);
    }

    [Fact]
    public async Task A_name_is_resolved_when_it_is_dialled()
    {
        await using var listener = await Transport.ListenAsync(AnyAddress, Token);
        await using var dialled = await Transport.DialAsync(Multiaddr.Parse($"/dns4/localhost/tcp/{listener.Addresses[0].Port}"), Token);
        Assert.Equal(listener.Addresses[0], dialled.RemoteAddress);
    }

    [Theory]
    [InlineData("/ip4/127.0.0.1/tcp/0")]
    [InlineData("/ip4/0.0.0.0/tcp/4001")]
    [InlineData("/ip4/127.0.0.1/udp/4001")]
    [InlineData("/ip4/127.0.0.1/tcp/4001/ws")]
    public void What_leads_nowhere_is_not_dialled(string address) => Assert.False(Transport.CanDial(Multiaddr.Parse(address)));
}
