using System.Net.Sockets;

namespace Starling.Net.Transport;

/// <summary>Socket errors in words that say what to look at.</summary>
internal static class TcpErrors
{
    public static string Explain(SocketException error) => error.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused: nothing listens there",
        SocketError.HostNotFound or SocketError.NoData => "the name does not resolve: check its spelling and DNS",
        SocketError.TryAgain => "the name could not be looked up now: check DNS and try again",
        SocketError.NetworkUnreachable or SocketError.HostUnreachable => "unreachable: this machine has no route to it",
        SocketError.TimedOut => "no answer: the host is down or a firewall drops the packets",
        SocketError.ConnectionReset => "the connection was reset",
        SocketError.AddressAlreadyInUse => "the port is in use: choose another, or 0 for any free one",
        SocketError.AddressNotAvailable => "this machine has no such address",
        SocketError.AccessDenied => "not permitted: ports below 1024 need privileges, or a firewall forbids it",
        SocketError.TooManyOpenSockets => "too many open sockets: raise the limit of open files",
        SocketError.AddressFamilyNotSupported => "this machine does not speak that version of IP",
        _ => error.Message,
    };
}
