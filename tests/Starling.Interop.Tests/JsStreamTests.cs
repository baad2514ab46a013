using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Starling.Interop.Tests.Support;

namespace Starling.Interop.Tests;

/// <summary>64 MiB each way between a Starling node and a js-libp2p one: what arrives is what was sent.</summary>
public sealed class JsStreamTests
{
    private const int Size = 64 << 20;
    private const int Chunk = 64 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("tls")]
    [InlineData("noise")]
    public async Task Bytes_streamed_to_a_js_peer_all_arrive(string security)
    {
        await using var js = await JsPeer.StartAsync(security);
        await using var node = await Peers.StartAsync();
        var link = await node.DialAsync(js.FullAddress);
        await using var stream = await link.OpenStreamAsync([JsPeer.Sink], Token);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        for (var sent = 0; sent < Size; sent += Chunk)
        {
            var block = Block(sent);
            hash.AppendData(block);
            await stream.WriteAsync(block, Token).AsTask().WaitAsync(Patience, Token);
        }

        await stream.CloseWriteAsync(Token);
        Assert.Equal($"{Size} {Convert.ToHexStringLower(hash.GetHashAndReset())}", await ReadTextAsync(stream));
    }

    [Theory]
    [InlineData("tls")]
    [InlineData("noise")]
    public async Task Bytes_streamed_by_a_js_peer_all_arrive(string security)
    {
        await using var js = await JsPeer.StartAsync(security);
        await using var node = await Peers.StartAsync();
        using var sink = node.Handle(JsPeer.Sink, SinkAsync);

        var sent = await js.AskAsync("send", new JsonObject { ["address"] = node.Addresses[0].ToString(), ["bytes"] = Size });

        using var expected = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var at = 0; at < Size; at += Chunk) expected.AppendData(Block(at));
        var sha256 = Convert.ToHexStringLower(expected.GetHashAndReset());
        Assert.Equal(sha256, sent.GetProperty("sha256").GetString());
        Assert.Equal($"{Size} {sha256}", sent.GetProperty("answer").GetString());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Reads to the end and answers how many bytes there were and their hash, as the js peer's does.</summary>
    private static async Task SinkAsync(IStream stream, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Chunk];
        var total = 0;
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            hash.AppendData(buffer, 0, count);
            total += count;
        }

        await stream.WriteAsync(Encoding.UTF8.GetBytes($"{total} {Convert.ToHexStringLower(hash.GetHashAndReset())}"), cancellationToken);
        await stream.CloseWriteAsync(cancellationToken);
    }

    /// <summary>The bytes are the little-endian numbers 0, 1, 2 and so on, so both ends know them without sending them.</summary>
    private static byte[] Block(int start)
    {
        var block = new byte[Chunk];
        for (var i = 0; i < Chunk; i += 4) BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(i), (uint)(start + i) / 4);
        return block;
    }

    private static async Task<string> ReadTextAsync(IStream stream)
    {
        var text = new StringBuilder();
        var buffer = new byte[256];
        while (await stream.ReadAsync(buffer, Token).AsTask().WaitAsync(Patience, Token) is > 0 and var count)
        {
            text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        return text.ToString();
    }
}
