using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Starling.Gateways.Tests;

/// <summary>A client of the VoidPhone gossip API, written from the text of its wire and nothing else: raw sockets, bytes put together by hand.</summary>
internal sealed class VoidPhoneClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _filled;

    private VoidPhoneClient(Socket socket) => Socket = socket;

    public Socket Socket { get; }

    public static async Task<VoidPhoneClient> ConnectAsync(IPEndPoint api, int? receiveBuffer = null)
    {
        var socket = new Socket(api.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer is { } bytes) socket.ReceiveBufferSize = bytes;
        await socket.ConnectAsync(api).WaitAsync(Patience);
        return new VoidPhoneClient(socket);
    }

    /// <summary>Connects and registers; the API has taken the registration when this returns.</summary>
    public static async Task<VoidPhoneClient> SubscribeAsync(Gossip.GossipApi api, params ushort[] types)
    {
        using var registered = new EventWatch(api);
        var client = await ConnectAsync(api.Address);
        foreach (var type in types)
        {
            await client.SendAsync(Notify(type));
            await registered.NextAsync<Gossip.GossipEvent.Registered>(one => one.DataType == type);
        }

        return client;
    }

    public static byte[] Announce(byte ttl, ushort type, params byte[] data) => [.. Word(8 + data.Length), .. Word(500), ttl, 0, .. Word(type), .. data];

    public static byte[] Notify(ushort type) => [0, 8, 0x01, 0xf5, 0, 0, .. Word(type)];

    public static byte[] Validation(ushort id, bool valid) => [0, 8, 0x01, 0xf7, .. Word(id), 0, valid ? (byte)1 : (byte)0];

    public async Task SendAsync(params byte[] bytes) => await Socket.SendAsync(bytes).WaitAsync(Patience);

    /// <summary>The next message of the API, which can only be a NOTIFICATION.</summary>
    public async Task<(ushort Id, ushort Type, byte[] Data)> ReadAsync()
    {
        var frame = await ReadFrameAsync();
        Assert.Equal(502, BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(2)));
        return (BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(4)), BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(6)), frame[8..]);
    }

    /// <summary>Reads a notification of these data and judges it.</summary>
    public async Task<ushort> JudgeAsync(bool valid, params byte[] expected)
    {
        var (id, _, data) = await ReadAsync();
        Assert.Equal(expected, data);
        await SendAsync(Validation(id, valid));
        return id;
    }

    public async Task<byte[]> ReadFrameAsync()
    {
        await FillAsync(2);
        var size = BinaryPrimitives.ReadUInt16BigEndian(_buffer);
        await FillAsync(size);
        var frame = _buffer[..size];
        Array.Copy(_buffer, size, _buffer, 0, _filled - size);
        _filled -= size;
        return frame;
    }

    /// <summary>Waits for the end of the connection, behind nothing else.</summary>
    public async Task ClosedAsync()
    {
        Assert.Equal(0, _filled);
        try
        {
            Assert.Equal(0, await Socket.ReceiveAsync(_buffer).WaitAsync(Patience));
        }
        catch (SocketException error)
        {
            Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
        }
    }

    public void Dispose() => Socket.Dispose();

    private static byte[] Word(int value) => [(byte)(value >> 8), (byte)value];

    private async Task FillAsync(int wanted)
    {
        while (_filled < wanted)
        {
            var count = await Socket.ReceiveAsync(_buffer.AsMemory(_filled)).AsTask().WaitAsync(Patience);
            Assert.True(count > 0, "The API has closed the connection.");
            _filled += count;
        }
    }
}
