using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using Starling.Net.Transport.Noise;

namespace Starling.Cli.Doctor;

/// <summary>Looks at this machine: cryptography, clock, ports, interfaces, multicast, limits. Sends nothing beyond the loopback interface.</summary>
internal static class MachineChecks
{
    private const int MdnsPort = 5353;
    private const int DefaultPort = 4001;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static async IAsyncEnumerable<Finding> RunAsync()
    {
        yield return Cryptography();
        yield return Clock();
        yield return TcpPort();
        foreach (var finding in Interfaces()) yield return finding;
        yield return MdnsSocket();
        yield return await MulticastAsync().ConfigureAwait(false);
        if (Files() is { } files) yield return files;
        yield return await NodesAsync().ConfigureAwait(false);
    }

    private static Finding Cryptography()
    {
        const string subject = "cryptography";
        try
        {
            using var identity = NodeIdentity.Generate();
            return NoiseSecurity.IsSupported
                ? new Finding(Health.Good, subject, "Ed25519 identities, TLS 1.3 and Noise work")
                : new Finding(Health.Doubtful, subject, "libcrypto was not found: identities are ECDSA and Noise is off", "install OpenSSL 3, so that every libp2p program can be reached");
        }
        catch (Exception error) when (error is StarlingException or CryptographicException or PlatformNotSupportedException)
        {
            return new Finding(Health.Bad, subject, $"no identity can be made: {error.Message}", "install OpenSSL 3");
        }
    }

    /// <summary>Certificates are valid in a span of time; a clock that is far off makes them worthless.</summary>
    private static Finding Clock()
    {
        var now = TimeProvider.System.GetUtcNow();
        var built = File.GetLastWriteTimeUtc(Path.Combine(AppContext.BaseDirectory, "starling.dll"));
        var text = now.ToString("u", CultureInfo.InvariantCulture);
        if (now.UtcDateTime < built.AddDays(-1)) return new Finding(Health.Bad, "clock", $"it says {text}, which is before this program was made", "set it, best by NTP; peers refuse certificates that are not valid yet");
        if (now.Year > built.Year + 20) return new Finding(Health.Bad, "clock", $"it says {text}, which is far in the future", "set it, best by NTP");
        return new Finding(Health.Good, "clock", $"it says {text}");
    }

    private static Finding TcpPort()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Any, DefaultPort));
            return new Finding(Health.Good, "tcp port", $"{DefaultPort}, the customary one, is free");
        }
        catch (SocketException error)
        {
            return new Finding(Health.Doubtful, "tcp port", $"{DefaultPort}, the customary one, cannot be bound: {error.Message}", "a node may already run here; listen on another port, or on port 0");
        }
    }

    private static IEnumerable<Finding> Interfaces()
    {
        var up = NetworkInterface.GetAllNetworkInterfaces().Where(one => one.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown).ToList();
        foreach (var one in up)
        {
            var addresses = one.GetIPProperties().UnicastAddresses.Select(unicast => unicast.Address).ToList();
            if (addresses.Count == 0) continue;
            var multicast = one.SupportsMulticast || one.NetworkInterfaceType == NetworkInterfaceType.Loopback;
            yield return new Finding(
                multicast ? Health.Good : Health.Doubtful,
                $"interface {one.Name}",
                $"{string.Join(", ", addresses)}{(multicast ? "" : "; it carries no multicast")}",
                multicast ? "" : "peers there cannot be found by mdns or ssdp: name them with --connect or Bootstrap");
        }

        if (!up.Exists(one => one.NetworkInterfaceType != NetworkInterfaceType.Loopback && one.GetIPProperties().UnicastAddresses.Count > 0))
            yield return new Finding(Health.Doubtful, "interfaces", "only the loopback interface is up", "peers on this machine can be reached, others cannot");
    }

    private static Finding MdnsSocket()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Any, MdnsPort));
            return new Finding(Health.Good, "mdns port", $"{MdnsPort} can be shared");
        }
        catch (SocketException error)
        {
            return new Finding(Health.Bad, "mdns port", $"{MdnsPort} cannot be shared: {error.Message}", "another program holds it for itself (often avahi-daemon with disallow-other-stacks=yes, or systemd-resolved); let it share the port, or choose another MdnsPort on all nodes");
        }
    }

    /// <summary>Sends one datagram to a group on the loopback interface and waits for it.</summary>
    private static async Task<Finding> MulticastAsync()
    {
        const string subject = "multicast";
        var group = IPAddress.Parse("239.255.83.76");
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Any, 0));
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(group, IPAddress.Loopback));
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.Loopback.GetAddressBytes());
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, 0);
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastLoopback, true);
            var sent = RandomNumberGenerator.GetBytes(16);
            using var time = new CancellationTokenSource(Patience, TimeProvider.System);
            await socket.SendToAsync(sent, new IPEndPoint(group, ((IPEndPoint)socket.LocalEndPoint!).Port), time.Token).ConfigureAwait(false);
            var buffer = new byte[64];
            var received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), time.Token).ConfigureAwait(false);
            return buffer.AsSpan(0, received.ReceivedBytes).SequenceEqual(sent)
                ? new Finding(Health.Good, subject, "datagrams to a group arrive on this machine")
                : new Finding(Health.Doubtful, subject, "something else arrived than was sent");
        }
        catch (OperationCanceledException)
        {
            return new Finding(Health.Bad, subject, "a datagram to a group did not come back on the loopback interface", "a firewall drops it; nodes on this machine cannot find each other by mdns");
        }
        catch (SocketException error)
        {
            return new Finding(Health.Bad, subject, $"it does not work on the loopback interface: {error.Message}", "nodes on this machine cannot find each other by mdns; name them with --connect");
        }
    }

    private static Finding? Files()
    {
        const string limits = "/proc/self/limits";
        const int enough = 4096;
        if (!File.Exists(limits)) return null;
        var line = File.ReadLines(limits).FirstOrDefault(one => one.StartsWith("Max open files", StringComparison.Ordinal));
        if (line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [_, _, _, _, var hard, ..]) return null;
        if (!long.TryParse(hard, CultureInfo.InvariantCulture, out var most)) return new Finding(Health.Good, "open files", "unlimited");
        return most >= enough
            ? new Finding(Health.Good, "open files", $"{most} are allowed; a link takes one")
            : new Finding(Health.Doubtful, "open files", $"only {most} are allowed; a link takes one", "raise it with ulimit -n, or lower MaxLinks");
    }

    private static async Task<Finding> NodesAsync() => await AdminSocket.FindAsync().ConfigureAwait(false) switch
    {
        [] => new Finding(Health.Good, "nodes", "no other node of this user runs here"),
        var found => new Finding(Health.Good, "nodes", $"{found.Count} of this user run here: {string.Join(", ", found.Select(path => Path.GetFileNameWithoutExtension(path)))}"),
    };
}
