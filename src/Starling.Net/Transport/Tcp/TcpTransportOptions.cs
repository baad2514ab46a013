using System.Net;
using System.Net.Sockets;

namespace Starling.Net.Transport;

/// <summary>Looks up the addresses of a host name; <see cref="AddressFamily.Unspecified"/> asks for both families.</summary>
public delegate Task<IPAddress[]> NameLookup(string name, AddressFamily family, CancellationToken cancellationToken);

/// <summary>The settings of a <see cref="TcpTransport"/>.</summary>
public sealed class TcpTransportOptions
{
    /// <summary>Connections that the system completes before they are accepted here. Default 512; more are turned away by the system.</summary>
    public int Backlog { get; set; } = 512;

    /// <summary>Whether <c>/ip6/::</c> takes IPv4 connections as well. Default false, as in other libp2p implementations, so that both wildcards may share a port.</summary>
    public bool DualStack { get; set; }

    /// <summary>The first pause after an accept failed, for example because the process is out of handles. Default 10 ms; doubled each time up to <see cref="LongestAcceptPause"/>.</summary>
    public TimeSpan AcceptPause { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The longest pause between failing accepts. Default 1 s.</summary>
    public TimeSpan LongestAcceptPause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How names become addresses. Default: the system's resolver.</summary>
    public NameLookup Lookup { get; set; } = static (name, family, cancellationToken) => Dns.GetHostAddressesAsync(name, family, cancellationToken);

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range; the message says which.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Backlog, nameof(Backlog));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(AcceptPause, TimeSpan.Zero, nameof(AcceptPause));
        ArgumentOutOfRangeException.ThrowIfLessThan(LongestAcceptPause, AcceptPause, nameof(LongestAcceptPause));
    }
}
