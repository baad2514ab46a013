using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Starling.Cli.Doctor;

/// <summary>Follows one address step by step: name, TCP, handshake, identify, round trip; and says at which one it fails, and why.</summary>
internal static class AddressChecks
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async IAsyncEnumerable<Finding> RunAsync(Multiaddr address)
    {
        var (host, port) = Target(address);
        if (host is null)
        {
            yield return new Finding(Health.Doubtful, "address", $"{address} is not TCP over a name or an IP address; only dialling tells more");
        }
        else
        {
            var (ips, named) = await ResolveAsync(host).ConfigureAwait(false);
            if (named is not null) yield return named;
            var reached = 0;
            foreach (var ip in ips)
            {
                var tcp = await ConnectAsync(ip, port).ConfigureAwait(false);
                if (tcp.Health == Health.Good) reached++;
                yield return tcp;
            }

            if (reached == 0) yield break;
        }

        await foreach (var finding in DialAsync(address).ConfigureAwait(false)) yield return finding;
    }

    private static async IAsyncEnumerable<Finding> DialAsync(Multiaddr address)
    {
        await using var node = await StarlingNode.StartAsync().ConfigureAwait(false);
        var (link, failure) = await LinkAsync(node, address).ConfigureAwait(false);
        if (link is null)
        {
            yield return failure!;
            yield break;
        }

        yield return new Finding(Health.Good, "handshake", $"{link.Peer} answers with {link.Connection.Security}");
        if (address.PeerId is null) yield return new Finding(Health.Doubtful, "peer id", "the address names no peer, so anybody may answer at it", $"use {address.WithPeerId(link.Peer)}");
        yield return new Finding(Health.Good, "identify", $"{Shown(link.Info.AgentVersion)}, {link.Info.Protocols.Count} protocols; it sees this machine as {link.Info.ObservedAddress?.ToString() ?? "(not told)"}");
        var time = await node.PingAsync(link.Peer).WaitAsync(Patience, TimeProvider.System).ConfigureAwait(false);
        yield return new Finding(Health.Good, "round trip", string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.00} ms"));
    }

    private static async Task<(Net.Links.PeerLink? Link, Finding? Failure)> LinkAsync(StarlingNode node, Multiaddr address)
    {
        try
        {
            return (await node.ConnectAsync(address).ConfigureAwait(false), null);
        }
        catch (HandshakeException error)
        {
            return (null, new Finding(Health.Bad, "handshake", error.Message, Advice(error.Failure)));
        }
    }

    private static string Advice(HandshakeFailure failure) => failure switch
    {
        HandshakeFailure.TransportFailed => "see the findings above",
        HandshakeFailure.TimedOut => "something answers at the port but does not speak libp2p, or is overloaded",
        HandshakeFailure.NoCommonProtocol => "the other side must offer TLS 1.3 or Noise, and yamux",
        HandshakeFailure.Malformed or HandshakeFailure.Disconnected => "another kind of server answers there, or it refuses this node; check the port",
        HandshakeFailure.PeerIdMismatch => "another node lives at this address now; ask for its present address",
        HandshakeFailure.CertificateDates => "compare the clocks of both machines",
        HandshakeFailure.RefusedByRemote => "the other side refuses on purpose: its limits, its blocklist or its admission rule",
        HandshakeFailure.SelfDial => "the address leads back to this node",
        HandshakeFailure.UnsupportedAddress => "use TCP: /ip4/…/tcp/… or host:port",
        _ => "the other side's libp2p is faulty or too old",
    };

    private static (string? Host, int Port) Target(Multiaddr address)
    {
        var parts = address.ToString().Split('/');
        return parts is ["", "ip4" or "ip6" or "dns" or "dns4" or "dns6", var host, "tcp", var port, ..] ? (host, int.Parse(port, CultureInfo.InvariantCulture)) : (null, 0);
    }

    private static async Task<(IReadOnlyList<IPAddress> Ips, Finding? Finding)> ResolveAsync(string host)
    {
        if (IPAddress.TryParse(host, out var ip)) return ([ip], null);
        try
        {
            using var time = new CancellationTokenSource(Patience, TimeProvider.System);
            var found = await Dns.GetHostAddressesAsync(host, time.Token).ConfigureAwait(false);
            return (found, new Finding(Health.Good, "name", $"{host} is {string.Join(", ", found.Select(one => one.ToString()))}"));
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ArgumentException)
        {
            var why = error is OperationCanceledException ? $"the name server does not answer within {Patience.TotalSeconds} s" : error.Message;
            return ([], new Finding(Health.Bad, "name", $"{host} cannot be resolved: {why}", "check the spelling and this machine's name server, or use an IP address"));
        }
    }

    private static async Task<Finding> ConnectAsync(IPAddress ip, int port)
    {
        var subject = $"tcp {new IPEndPoint(ip, port)}";
        try
        {
            using var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            using var time = new CancellationTokenSource(Patience, TimeProvider.System);
            var start = TimeProvider.System.GetTimestamp();
            await socket.ConnectAsync(ip, port, time.Token).ConfigureAwait(false);
            return new Finding(Health.Good, subject, string.Create(CultureInfo.InvariantCulture, $"open, connected in {TimeProvider.System.GetElapsedTime(start).TotalMilliseconds:0.00} ms"));
        }
        catch (OperationCanceledException)
        {
            return new Finding(Health.Bad, subject, $"no answer within {Patience.TotalSeconds} s", "a firewall drops the packets, or the machine is off");
        }
        catch (SocketException error)
        {
            return new Finding(Health.Bad, subject, error.Message, error.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "the machine is there but nobody listens at this port: start the node, or check its --listen",
                SocketError.NetworkUnreachable or SocketError.HostUnreachable => "there is no route from here: check both networks",
                SocketError.AddressFamilyNotSupported => "this machine does not speak this version of IP",
                _ => "check the address and the network between",
            });
        }
    }

    private static string Shown(string text) => text.Length == 0 ? "no agent version" : string.Concat(text.Where(letter => !char.IsControl(letter)));
}
