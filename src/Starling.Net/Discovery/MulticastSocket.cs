using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Starling.Net.Discovery;

/// <summary>An IPv4 UDP socket that sends to and receives from one multicast group on one interface, and shares its port with others.</summary>
internal sealed class MulticastSocket : IDisposable
{
    private const int LinuxSolIp = 0;
    private const int LinuxIpMulticastAll = 49;
    private static readonly IPEndPoint Anyone = new(IPAddress.Any, 0);

    private readonly Socket _socket;
    private readonly IPEndPoint _group;

    private MulticastSocket(Socket socket, IPEndPoint group)
    {
        _socket = socket;
        _group = group;
    }

    /// <summary>How far packets go: 0 stays on this machine.</summary>
    public short TimeToLive => (short)(int)_socket.GetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive)!;

    /// <summary>Binds the port and joins the group on the interface that has this address.</summary>
    /// <exception cref="StarlingException">No interface has the address, it cannot do multicast, or the port cannot be shared.</exception>
    public static MulticastSocket Open(IPAddress face, IPAddress group, int port)
    {
        Require(face);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            // Sets SO_REUSEADDR and SO_REUSEPORT: every node of the host gets every multicast packet.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            Bind(socket, port);
            Join(socket, face, group);
            return new MulticastSocket(socket, new IPEndPoint(group, port));
        }
        catch (SocketException wrong)
        {
            socket.Dispose();
            throw new StarlingException($"mDNS cannot join {group} on the interface of {face}: {wrong.Message}. Choose an interface that can do multicast.", wrong);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The next datagram that was sent to the group; the result is its length, or -1 when it was sent to another address.</summary>
    public async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var got = await _socket.ReceiveMessageFromAsync(buffer, SocketFlags.None, Anyone, cancellationToken).ConfigureAwait(false);

        // Unicast to the port can come from beyond the link (RFC 6762 §11).
        return got.PacketInformation.Address.Equals(_group.Address) ? got.ReceivedBytes : -1;
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> packet, CancellationToken cancellationToken) =>
        await _socket.SendToAsync(packet, SocketFlags.None, _group, cancellationToken).ConfigureAwait(false);

    public void Dispose() => _socket.Dispose();

    private static void Bind(Socket socket, int port)
    {
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
        }
        catch (SocketException wrong)
        {
            throw new StarlingException($"mDNS cannot use UDP port {port}: {wrong.Message}. Another program holds it without sharing; stop that program or choose another port.", wrong);
        }
    }

    private static void Join(Socket socket, IPAddress face, IPAddress group)
    {
        // Else a socket of Linux also gets what others of the host joined, on other interfaces too.
        if (OperatingSystem.IsLinux()) socket.SetRawSocketOption(LinuxSolIp, LinuxIpMulticastAll, BitConverter.GetBytes(0));
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.PacketInformation, true);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, face.GetAddressBytes());
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, IPAddress.IsLoopback(face) ? 0 : 255);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastLoopback, true);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(group, face));
    }

    private static void Require(IPAddress face)
    {
        var all = NetworkInterface.GetAllNetworkInterfaces().Select(one => (Interface: one, Properties: one.GetIPProperties())).ToList();
        foreach (var (one, properties) in all)
        {
            if (!properties.UnicastAddresses.Any(mine => mine.Address.Equals(face))) continue;
            if (one.OperationalStatus == OperationalStatus.Down) throw new StarlingException($"mDNS cannot work on {face}: the interface {one.Name} is down.");
            return;
        }

        var known = string.Join(", ", all.SelectMany(one => one.Properties.UnicastAddresses).Select(one => one.Address));
        throw new StarlingException($"mDNS cannot work on {face}: no network interface has this address. The addresses here are {known}.");
    }
}
