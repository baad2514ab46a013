using System.Net;
using System.Net.Sockets;

namespace Starling.Net.Tests.Discovery;

/// <summary>A raw socket in a multicast group on the loopback interface: hears everything, and speaks as a stranger.</summary>
internal sealed class GroupEar : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly IPEndPoint _group;

    public GroupEar(string group, int port)
    {
        _group = new IPEndPoint(IPAddress.Parse(group), port);
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _socket.Bind(new IPEndPoint(IPAddress.Any, port));
        _socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.Loopback.GetAddressBytes());
        _socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, 0);
        _socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(_group.Address, IPAddress.Loopback));
    }

    public async Task SayAsync(byte[] packet) => await _socket.SendToAsync(packet, _group);

    /// <summary>The next packet, whoever sent it.</summary>
    public async Task<byte[]> HearAsync()
    {
        var buffer = new byte[10_000];
        var got = await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        return buffer[..got.ReceivedBytes];
    }

    /// <summary>What is there now and was not heard yet.</summary>
    public IReadOnlyList<byte[]> Pending()
    {
        var all = new List<byte[]>();
        var buffer = new byte[10_000];
        while (_socket.Available > 0) all.Add(buffer[.._socket.Receive(buffer)]);
        return all;
    }

    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public void Dispose() => _socket.Dispose();
}
