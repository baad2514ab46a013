using System.Net;
using System.Net.Sockets;

namespace Starling.Net.Discovery;

/// <summary>An IPv4 UDP socket that sends to and receives from one multicast group on one interface, and shares its port with others; on request with a second one for answers.</summary>
internal sealed class MulticastSocket : IDisposable
{
    private const int LinuxSolIp = 0;
    private const int LinuxIpMulticastAll = 49;
    private static readonly IPEndPoint Anyone = new(IPAddress.Any, 0);

    private readonly Socket _socket;
    private readonly Socket? _replies;
    private readonly IPEndPoint _group;

    private MulticastSocket(Socket socket, Socket? replies, IPEndPoint group) => (_socket, _replies, _group) = (socket, replies, group);

    /// <summary>How far packets go: 0 stays on this machine.</summary>
    public short TimeToLive => (short)(int)(_replies ?? _socket).GetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive)!;

    /// <summary>Binds the port and joins the group on the interface that has this address.</summary>
    /// <param name="face">The interface's address.</param>
    /// <param name="group">The group.</param>
    /// <param name="port">The UDP port.</param>
    /// <param name="timeToLive">How far packets go; on loopback always 0.</param>
    /// <param name="hasReplies">Whether to send from a port of its own, at which answers arrive.</param>
    /// <exception cref="StarlingException">The interface cannot do multicast, or the port cannot be shared.</exception>
    public static MulticastSocket Open(IPAddress face, IPAddress group, int port, int timeToLive = 255, bool hasReplies = false)
    {
        var ttl = IPAddress.IsLoopback(face) ? 0 : timeToLive;
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Socket? replies = null;
        try
        {
            // Sets SO_REUSEADDR and SO_REUSEPORT: every node of the host gets every multicast packet.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            Bind(socket, port);
            Join(socket, face, group, ttl);
            if (hasReplies)
            {
                replies = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                replies.Bind(new IPEndPoint(face, 0));
                SendOn(replies, face, ttl);
            }

            return new MulticastSocket(socket, replies, new IPEndPoint(group, port));
        }
        catch (SocketException wrong)
        {
            socket.Dispose();
            replies?.Dispose();
            throw new StarlingException($"Discovery cannot join {group} on the interface of {face}: {wrong.Message}. Choose an interface that can do multicast.", wrong);
        }
        catch
        {
            socket.Dispose();
            replies?.Dispose();
            throw;
        }
    }

    /// <summary>The next datagram: its length, and who sent it, or null when it came to the shared port but not to the group.</summary>
    public async ValueTask<(int Length, IPEndPoint? From)> ReceiveAsync(Memory<byte> buffer, bool isReply, CancellationToken cancellationToken)
    {
        if (isReply)
        {
            var reply = await _replies!.ReceiveFromAsync(buffer, SocketFlags.None, Anyone, cancellationToken).ConfigureAwait(false);
            return (reply.ReceivedBytes, (IPEndPoint)reply.RemoteEndPoint);
        }

        var got = await _socket.ReceiveMessageFromAsync(buffer, SocketFlags.None, Anyone, cancellationToken).ConfigureAwait(false);

        // Unicast to the port can come from beyond the link (RFC 6762 §11).
        return (got.ReceivedBytes, got.PacketInformation.Address.Equals(_group.Address) ? (IPEndPoint)got.RemoteEndPoint : null);
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> packet, IPEndPoint? to, CancellationToken cancellationToken) =>
        await (_replies ?? _socket).SendToAsync(packet, SocketFlags.None, to ?? _group, cancellationToken).ConfigureAwait(false);

    public void Dispose()
    {
        _socket.Dispose();
        _replies?.Dispose();
    }

    private static void Bind(Socket socket, int port)
    {
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
        }
        catch (SocketException wrong)
        {
            throw new StarlingException($"Discovery cannot use UDP port {port}: {wrong.Message}. Another program holds it without sharing; stop that program or choose another port.", wrong);
        }
    }

    private static void Join(Socket socket, IPAddress face, IPAddress group, int timeToLive)
    {
        // Else a socket of Linux also gets what others of the host joined, on other interfaces too.
        if (OperatingSystem.IsLinux()) socket.SetRawSocketOption(LinuxSolIp, LinuxIpMulticastAll, BitConverter.GetBytes(0));
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.PacketInformation, true);
        SendOn(socket, face, timeToLive);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(group, face));
    }

    private static void SendOn(Socket socket, IPAddress face, int timeToLive)
    {
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, face.GetAddressBytes());
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, timeToLive);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastLoopback, true);
    }
}
