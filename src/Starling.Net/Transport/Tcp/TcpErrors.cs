using System.Net.Sockets;

namespace Starling.Net.Transport;

/// <summary>Socket errors in words that say what to do.</summary>
internal static class TcpErrors
{
    public static string Explain(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused, nothing listens there",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "no route to the host",
        SocketError.NetworkDown or SocketError.HostDown => "the network is down",
        SocketError.TimedOut => "the host did not answer",
        SocketError.ConnectionReset or SocketError.ConnectionAborted => "the connection was reset",
        SocketError.HostNotFound or SocketError.NoData => "the name is not known",
        SocketError.TryAgain => "the name server does not answer",
        SocketError.AddressAlreadyInUse => "the address is in use; choose another port, or 0 for any",
        SocketError.AddressNotAvailable => "the address is not one of this machine",
        SocketError.AccessDenied => "permission denied; ports below 1024 need privileges",
        SocketError.AddressFamilyNotSupported => "this machine does not support the address family",
        SocketError.TooManyOpenSockets => "the process has too many open files",
        SocketError.NoBufferSpaceAvailable => "the system is out of buffers",
        _ => e.Message,
    };
}
