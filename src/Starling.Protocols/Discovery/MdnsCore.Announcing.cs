using System.Globalization;
using System.Net;
using System.Text;

namespace Starling.Protocols.Discovery;

public sealed partial class MdnsCore
{
    private const string AddressKey = "dnsaddr=";

    private uint Ttl => (uint)_options.Ttl.TotalSeconds;

    private void Answer(int index, Instant now, ICollection<DiscoveryEffect> effects)
    {
        var face = _faces[index];
        face.NextAnswer = Instant.Never;
        face.IsAsked = false;
        PlanBeacon(face, now);
        var texts = new List<ReadOnlyMemory<byte>>();
        ushort port = 0;

        // Where there are more than fit, those of this very interface go first.
        foreach (var address in _addresses.OrderBy(one => TryHost(one, out var host) && face.Address.Equals(host) ? 0 : 1))
        {
            if (texts.Count == _options.MaxOwnAddresses) break;
            if (ForFace(address, face, out var tcpPort) is not { } announced) continue;

            // RFC 6763 §6.1: what does not fit a text string cannot be said.
            var text = Encoding.UTF8.GetBytes(AddressKey + announced.WithPeerId(_self));
            if (text.Length > DnsMessage.MaxText) continue;
            texts.Add(text);
            if (port == 0) port = tcpPort;
        }

        if (texts.Count == 0) return;
        face.LastAnswer = now;
        face.Announced = true;

        // One TXT record with several strings: some readers keep only the last record.
        Send(index, DnsMessage.Response(
            [new DnsRecord.Ptr(_service, Ttl, _instance)],
            [
                new DnsRecord.Txt(_instance, Ttl, texts),
                new DnsRecord.Srv(_instance, Ttl, port, _host),
                new DnsRecord.Host(_host, Ttl, face.Address),
            ]), effects);
    }

    /// <summary>Tells DNS-SD browsers that the service exists; in a packet of its own, for some peers take the last pointer of a packet for the peer's.</summary>
    private void AnswerMeta(int index, Instant now, ICollection<DiscoveryEffect> effects)
    {
        var face = _faces[index];
        face.NextMetaAnswer = Instant.Never;
        face.LastMetaAnswer = now;
        Send(index, DnsMessage.Response([new DnsRecord.Ptr(MetaService, Ttl, _service)], []), effects);
    }

    /// <summary>The address as it should be said on an interface, or null when it does not belong there.</summary>
    private static Multiaddr? ForFace(Multiaddr address, Face face, out ushort port)
    {
        port = 0;
        var parts = address.Components;
        if (!TryHost(address, out var host) || parts.Any(part => part.Protocol == "p2p-circuit")) return null;
        if (parts.Count > 1) _ = ushort.TryParse(parts[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out port);
        if (host!.Equals(IPAddress.Any) || host.Equals(IPAddress.IPv6Any))
        {
            // A wildcard of the other family does not accept at this interface's address, unless it is dual-stack, which nobody can tell.
            if (host.GetAddressBytes().Length != face.Address.GetAddressBytes().Length) return null;
            return Multiaddr.Parse(Replaced(parts, face.Address));
        }

        return IPAddress.IsLoopback(host) == face.IsLoopback ? address : null;
    }

    private static string Replaced(IReadOnlyList<MultiaddrComponent> parts, IPAddress host)
    {
        var text = new StringBuilder().Append('/').Append(parts[0].Protocol).Append('/').Append(Plain(host));
        foreach (var part in parts.Skip(1))
        {
            text.Append('/').Append(part.Protocol);
            if (part.Value.Length > 0) text.Append(part.Value.StartsWith('/') ? "" : "/").Append(part.Value);
        }

        return text.ToString();
    }

    // Without the zone, which means something on this machine only.
    private static IPAddress Plain(IPAddress address) => new(address.GetAddressBytes());

    private static bool TryHost(Multiaddr address, out IPAddress? host)
    {
        host = null;
        foreach (var part in address.Components)
        {
            if (part.Protocol == "ip6zone") continue;
            return part.Protocol is "ip4" or "ip6" && IPAddress.TryParse(part.Value, out host);
        }

        return false;
    }
}
