using System.Net;
using System.Net.Sockets;

namespace Starling;

/// <summary>Looks for TCP ports that nobody listens on.</summary>
/// <remarks>An answer holds for the moment only: another program may take the port before it is used. Where it can be, listen on port 0 instead, and ask
/// <see cref="StarlingNode.Addresses"/> which one it became.</remarks>
public static class FreePorts
{
    /// <summary>A port that is free now, chosen by the system.</summary>
    /// <param name="address">The address to listen on; null is 127.0.0.1.</param>
    public static int Find(IPAddress? address = null)
    {
        var face = address ?? IPAddress.Loopback;
        using var socket = new Socket(face.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(face, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>The first free port of a range, looked at in order.</summary>
    /// <param name="first">The range's first port, from 1.</param>
    /// <param name="last">The range's last port, up to 65535.</param>
    /// <param name="address">The address to listen on; null is 127.0.0.1.</param>
    /// <exception cref="StarlingException">All are taken.</exception>
    public static int Find(int first, int last, IPAddress? address = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(last, 65535);
        for (var port = first; port <= last; port++)
        {
            if (IsAvailable(port, address)) return port;
        }

        throw new StarlingException($"All TCP ports from {first} to {last} of {address ?? IPAddress.Loopback} are taken; give a wider range.");
    }

    /// <summary>Whether a port could be listened on now.</summary>
    /// <param name="port">From 1 to 65535.</param>
    /// <param name="address">The address to listen on; null is 127.0.0.1.</param>
    public static bool IsAvailable(int port, IPAddress? address = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, 65535);
        var face = address ?? IPAddress.Loopback;
        using var socket = new Socket(face.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(face, port));
            socket.Listen(1);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
