using Starling.Net.Yamux;
using Starling.Protocols.Yamux;

namespace Starling.Net.Tests.Yamux;

/// <summary>A peer made of bare frames, which does what no honest one would, and the link that has to bear it.</summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private RawPeer(Stream wire, YamuxConnection link, ResourceBudget budget)
    {
        Wire = wire;
        Link = link;
        Budget = budget;
    }

    public Stream Wire { get; }

    public YamuxConnection Link { get; }

    public ResourceBudget Budget { get; }

    /// <summary>The raw peer dials; the link listens.</summary>
    public static async Task<RawPeer> DialAsync(YamuxOptions? options = null, TimeProvider? clock = null)
    {
        var (dialler, listener) = await LinkPair.RawAsync();
        var budget = new ResourceBudget();
        return new RawPeer(dialler, LinkPair.Start(listener, Direction.Inbound, options, budget, clock), budget);
    }

    public async Task SendAsync(YamuxFrameType type, YamuxFlags flags, uint stream, uint length, int body = 0)
    {
        var bytes = new byte[YamuxHeader.Size + body];
        new YamuxHeader(type, flags, stream, length).Write(bytes);
        await Wire.WriteAsync(bytes).Soon();
    }

    public Task OpenAsync(uint stream) => SendAsync(YamuxFrameType.WindowUpdate, YamuxFlags.Syn, stream, 0);

    public Task DataAsync(uint stream, int count, YamuxFlags flags = YamuxFlags.None) => SendAsync(YamuxFrameType.Data, flags, stream, (uint)count, count);

    /// <summary>Reads frames, dropping payloads, until one satisfies.</summary>
    public async Task<YamuxHeader> UntilAsync(Func<YamuxHeader, bool> wanted)
    {
        var bytes = new byte[YamuxHeader.Size];
        while (true)
        {
            await Wire.ReadExactlyAsync(bytes).Soon();
            var header = YamuxHeader.Read(bytes);
            if (wanted(header)) return header;
            if (header.Type == YamuxFrameType.Data) await Wire.ReadExactlyAsync(new byte[header.Length]).Soon();
        }
    }

    /// <summary>The link ended for this reason and gave everything back.</summary>
    public async Task AssertClosedAsync(CloseReason reason)
    {
        Assert.Equal(reason, (await Link.Closed.Soon()).Reason);
        Assert.Equal(0, Link.StreamCount);
        Assert.Equal(0, Budget.Used(ResourceKind.Streams));
        Assert.Equal(0, Budget.Used(ResourceKind.WindowBytes));
        await Assert.ThrowsAsync<ConnectionClosedException>(() => Link.OpenStreamAsync().Soon());
    }

    public async ValueTask DisposeAsync()
    {
        await Wire.DisposeAsync();
        await Link.DisposeAsync();
    }
}
