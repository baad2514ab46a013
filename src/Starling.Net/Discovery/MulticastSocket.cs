using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Starling.Net.Discovery;

/// <summary>A UDP socket that sends to and receives from one multicast group on one interface, and shares its port with others.</summary>
internal sealed class MulticastSocket : IDisposable
{
    private const int LinuxIpMulticastAll = 49;
    private const int LinuxIpv6MulticastAll = 29;
    private const int LinuxSolIp = 0;
    private const int LinuxSolIpv6 = 41;

    private readonly Socket _socket;
    private readonly IPEndPoint _group;
    private readonly IPEndPoint _anyone;

    private MulticastSocket(Socket socket, IPEndPoint group, IPAddress face)
    {
        _socket = socket;
        _group = group;
        _anyone = new IPEndPoint(group.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        Interface = face;
    }

    /// <summary>The interface's address.</summary>
    public IPAddress Interface { get; }

    /// <summary>Binds the port and joins the group on the interface that has this address.</summary>
    /// <exception cref="StarlingException">No interface has the address, it cannot do multicast, or the port cannot be shared.</exception>
    public static MulticastSocket Open(IPAddress face, IPAddress group, int port)
    {
        var index = IndexOf(face);
        var socket = new Socket(face.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            // Sets SO_REUSEADDR and SO_REUSEPORT: every node of the host gets every multicast packet.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            Bind(socket, port);
            if (face.AddressFamily == AddressFamily.InterNetwork) JoinV4(socket, face, group);
            else JoinV6(socket, index, group, IPAddress.IsLoopback(face));
            return new MulticastSocket(socket, new IPEndPoint(group, port), face);
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
        var got = await _socket.ReceiveMessageFromAsync(buffer, SocketFlags.None, _anyone, cancellationToken).ConfigureAwait(false);

        // Unicast to the port can come from beyond the link (RFC 6762 §11).
        return got.PacketInformation.Address.GetAddressBytes().AsSpan().SequenceEqual(_group.Address.GetAddressBytes()) ? got.ReceivedBytes : -1;
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> packet, CancellationToken cancellationToken) =>
        await _socket.SendToAsync(packet, SocketFlags.None, _group, cancellationToken).ConfigureAwait(false);

    public void Dispose() => _socket.Dispose();

    private static void Bind(Socket socket, int port)
    {
        try
        {
            socket.Bind(new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, port));
        }
        catch (SocketException wrong)
        {
            throw new StarlingException($"mDNS cannot use UDP port {port}: {wrong.Message}. Another program holds it without sharing; stop that program or choose another port.", wrong);
        }
    }

    private static void JoinV4(Socket socket, IPAddress face, IPAddress group)
    {
        if (OperatingSystem.IsLinux()) Set(socket, LinuxSolIp, LinuxIpMulticastAll, 0);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.PacketInformation, true);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, face.GetAddressBytes());
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, IPAddress.IsLoopback(face) ? 0 : 255);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastLoopback, true);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(group, face));
    }

    private static void JoinV6(Socket socket, int index, IPAddress group, bool loopback)
    {
        if (OperatingSystem.IsLinux()) Set(socket, LinuxSolIpv6, LinuxIpv6MulticastAll, 0);
        socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.PacketInformation, true);
        socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastInterface, index);
        socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastTimeToLive, loopback ? 0 : 255);
        socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastLoopback, true);
        socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(group, index));
    }

    private static void Set(Socket socket, int level, int option, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        if (BitConverter.IsLittleEndian) BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        else BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        socket.SetRawSocketOption(level, option, bytes);
    }

    private static int IndexOf(IPAddress face)
    {
        var all = NetworkInterface.GetAllNetworkInterfaces().Select(one => (Interface: one, Properties: one.GetIPProperties())).ToList();
        foreach (var (one, properties) in all)
        {
            if (!properties.UnicastAddresses.Any(mine => new IPAddress(mine.Address.GetAddressBytes()).Equals(new IPAddress(face.GetAddressBytes())))) continue;
            if (one.OperationalStatus == OperationalStatus.Down) throw new StarlingException($"mDNS cannot work on {face}: the interface {one.Name} is down.");
            return face.AddressFamily == AddressFamily.InterNetworkV6 ? properties.GetIPv6Properties().Index : 0;
        }

        var known = string.Join(", ", all.SelectMany(one => one.Properties.UnicastAddresses).Select(one => one.Address));
        throw new StarlingException($"mDNS cannot work on {face}: no network interface has this address. The addresses here are {known}.");
    }
}
