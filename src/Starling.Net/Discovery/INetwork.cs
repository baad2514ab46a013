using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Starling.Net.Discovery;

/// <summary>The network interfaces of this machine: a seam, so that tests can change them.</summary>
public interface INetwork
{
    /// <summary>The addresses of the interfaces now, one by one.</summary>
    IReadOnlyList<NetworkFace> Faces { get; }

    /// <summary>Has an action called whenever an address comes or goes, from any thread; it must return at once and never throw. Disposing ends it.</summary>
    IDisposable Watch(Action changed);
}

/// <summary>One address of a network interface.</summary>
/// <param name="Name">The interface's name, such as <c>eth0</c>.</param>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">Bits of the address that its network has in common.</param>
/// <param name="IsUp">Whether the interface is up.</param>
/// <param name="SupportsMulticast">Whether the interface says that it can do multicast.</param>
public sealed record NetworkFace(string Name, IPAddress Address, int PrefixLength, bool IsUp = true, bool SupportsMulticast = true);

/// <summary>The interfaces as the operating system tells them.</summary>
public sealed class SystemNetwork : INetwork
{
    private SystemNetwork()
    {
    }

    /// <summary>The only instance.</summary>
    public static SystemNetwork Instance { get; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<NetworkFace> Faces =>
    [
        .. from one in NetworkInterface.GetAllNetworkInterfaces()
           from address in one.GetIPProperties().UnicastAddresses
           where address.Address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6
           select new NetworkFace(one.Name, address.Address, address.PrefixLength, one.OperationalStatus != OperationalStatus.Down, one.SupportsMulticast),
    ];

    /// <inheritdoc/>
    public IDisposable Watch(Action changed)
    {
        ArgumentNullException.ThrowIfNull(changed);
        return new Watcher(changed);
    }

    private sealed class Watcher : IDisposable
    {
        private readonly Action _changed;

        public Watcher(Action changed)
        {
            _changed = changed;
            NetworkChange.NetworkAddressChanged += OnChanged;
        }

        public void Dispose() => NetworkChange.NetworkAddressChanged -= OnChanged;

        private void OnChanged(object? sender, EventArgs e) => _changed();
    }
}
