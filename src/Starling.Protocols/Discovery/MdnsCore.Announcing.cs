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
        foreach (var address in _addresses.OrderBy(one => FaceAddresses.TryHost(one, out var host) && face.Address.Equals(host) ? 0 : 1))
        {
            if (texts.Count == _options.MaxOwnAddresses) break;
            if (FaceAddresses.Said(address, face.Address, out var tcpPort) is not { } announced) continue;

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
}
