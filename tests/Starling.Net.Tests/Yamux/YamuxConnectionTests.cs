using System.Security.Cryptography;

namespace Starling.Net.Tests.Yamux;

public sealed class YamuxConnectionTests
{
    [Fact]
    public async Task Echo_comes_back()
    {
        var (dialler, listener) = await LinkPair.ConnectAsync();
        var serve = EchoOneAsync(listener);
        var stream = await dialler.OpenStreamAsync().Soon();
        await stream.WriteAsync("hello"u8.ToArray()).Soon();
        await stream.CloseWriteAsync().Soon();
        Assert.Equal("hello"u8.ToArray(), await ReadAllAsync(stream));
        await serve.Soon();
        await stream.DisposeAsync();
        await dialler.CloseAsync(new CloseInfo(CloseReason.LocalClose)).Soon();
        Assert.Equal(CloseReason.RemoteClose, (await listener.Closed.Soon()).Reason);
    }

    [Fact]
    public async Task Large_transfers_arrive_whole_on_several_streams_at_once()
    {
        var (dialler, listener) = await LinkPair.ConnectAsync();
        var data = RandomNumberGenerator.GetBytes(5_000_000);
        var serve = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => EchoOneAsync(listener)));
        var echoes = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            await using var stream = await dialler.OpenStreamAsync();
            var write = WriteAndEndAsync(stream, data);
            var echo = await ReadAllAsync(stream);
            await write;
            return echo;
        })).Soon();
        await serve.Soon();
        Assert.All(echoes, echo => Assert.True(data.AsSpan().SequenceEqual(echo)));
        await dialler.DisposeAsync().Soon();
        await listener.DisposeAsync().Soon();
    }

    [Fact]
    public async Task Ping_measures_a_round_trip()
    {
        var (dialler, listener) = await LinkPair.ConnectAsync();
        Assert.True(await dialler.PingAsync().Soon() > TimeSpan.Zero);
        Assert.NotNull(dialler.RoundTripTime);
        await dialler.DisposeAsync().Soon();
        await listener.DisposeAsync().Soon();
    }

    internal static async Task EchoOneAsync(IConnection connection) => await EchoAsync(await connection.AcceptStreamAsync());

    internal static async Task EchoAsync(IStream stream)
    {
        await using (stream)
        {
            try
            {
                var buffer = new byte[32 * 1024];
                int count;
                while ((count = await stream.ReadAsync(buffer)) > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
                await stream.CloseWriteAsync();
            }
            catch (StreamResetException)
            {
                return;
            }
        }
    }

    internal static async Task WriteAndEndAsync(IStream stream, byte[] data)
    {
        for (var offset = 0; offset < data.Length; offset += 100_000)
            await stream.WriteAsync(data.AsMemory(offset, Math.Min(100_000, data.Length - offset)));
        await stream.CloseWriteAsync();
    }

    internal static async Task<byte[]> ReadAllAsync(IStream stream)
    {
        using var all = new MemoryStream();
        var buffer = new byte[50_000];
        int count;
        while ((count = await stream.ReadAsync(buffer).Soon()) > 0) all.Write(buffer, 0, count);
        return all.ToArray();
    }
}
