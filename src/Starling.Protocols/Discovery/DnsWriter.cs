using System.Buffers;
using System.Buffers.Binary;

namespace Starling.Protocols.Discovery;

/// <summary>Writes one DNS packet with compressed names.</summary>
internal sealed class DnsWriter
{
    private const ushort AuthoritativeResponse = 0x8400;
    private const ushort Internet = 1;

    // RFC 6762 §10.2: records that only one node can own replace what caches hold of them.
    private const ushort CacheFlush = 0x8000;
    private const int MaxPointer = 0x3FFF;

    private readonly ArrayBufferWriter<byte> _out = new(512);
    private readonly Dictionary<DnsName, int> _written = [];

    public byte[] Write(DnsMessage message)
    {
        UInt16(0);
        UInt16(message.IsResponse ? AuthoritativeResponse : (ushort)0);
        UInt16((ushort)message.Questions.Count);
        UInt16((ushort)message.Answers.Count);
        UInt16(0);
        UInt16((ushort)message.Additionals.Count);
        foreach (var question in message.Questions)
        {
            Name(question.Name);
            UInt16((ushort)question.Type);
            UInt16(Internet);
        }

        foreach (var record in message.Answers) Record(record);
        foreach (var record in message.Additionals) Record(record);
        if (_out.WrittenCount > DnsMessage.MaxPacket) throw new InvalidOperationException($"The message takes {_out.WrittenCount} bytes; a packet holds {DnsMessage.MaxPacket}.");
        return _out.WrittenSpan.ToArray();
    }

    private void Record(DnsRecord record)
    {
        Name(record.Name);
        switch (record)
        {
            case DnsRecord.Ptr pointer:
                Head(DnsType.Ptr, Internet, record.Ttl, NameLength(pointer.Target));
                Name(pointer.Target);
                break;
            case DnsRecord.Txt text:
                Strings(text);
                break;
            case DnsRecord.Srv service:
                Head(DnsType.Srv, Internet | CacheFlush, record.Ttl, 6 + service.Target.Wire.Length);
                UInt16(0);
                UInt16(0);
                UInt16(service.Port);

                // RFC 2782: this target is not compressed.
                _out.Write(service.Target.Wire.Span);
                break;
            case DnsRecord.Host host:
                var address = host.Address.GetAddressBytes();
                Head(address.Length == 4 ? DnsType.A : DnsType.Aaaa, Internet | CacheFlush, record.Ttl, address.Length);
                _out.Write(address);
                break;
            default:
                throw new InvalidOperationException($"Records of the kind {record.GetType().Name} cannot be written.");
        }
    }

    private void Strings(DnsRecord.Txt text)
    {
        var length = 0;
        foreach (var value in text.Strings)
        {
            if (value.Length > DnsMessage.MaxText) throw new InvalidOperationException($"A TXT string takes {value.Length} bytes; {DnsMessage.MaxText} are allowed.");
            length += 1 + value.Length;
        }

        Head(DnsType.Txt, Internet | CacheFlush, text.Ttl, Math.Max(1, length));
        if (length == 0) Byte(0);
        foreach (var value in text.Strings)
        {
            Byte((byte)value.Length);
            _out.Write(value.Span);
        }
    }

    private void Head(DnsType type, int kind, uint ttl, int length)
    {
        UInt16((ushort)type);
        UInt16((ushort)kind);
        BinaryPrimitives.WriteUInt32BigEndian(_out.GetSpan(4), ttl);
        _out.Advance(4);
        UInt16((ushort)length);
    }

    private int NameLength(DnsName name)
    {
        var length = 0;
        for (var rest = name; ; rest = Parent(rest))
        {
            if (_written.ContainsKey(rest)) return length + 2;
            var label = rest.Wire.Span[0];
            if (label == 0) return length + 1;
            length += 1 + label;
        }
    }

    private void Name(DnsName name)
    {
        for (var rest = name; ; rest = Parent(rest))
        {
            if (_written.TryGetValue(rest, out var offset))
            {
                UInt16((ushort)(0xC000 | offset));
                return;
            }

            var label = rest.Wire.Span[0];
            if (label == 0)
            {
                Byte(0);
                return;
            }

            if (_out.WrittenCount <= MaxPointer) _written.Add(rest, _out.WrittenCount);
            _out.Write(rest.Wire.Span[..(label + 1)]);
        }
    }

    private static DnsName Parent(DnsName name) => new(name.Wire.Span[(name.Wire.Span[0] + 1)..]);

    private void Byte(byte value)
    {
        _out.GetSpan(1)[0] = value;
        _out.Advance(1);
    }

    private void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_out.GetSpan(2), value);
        _out.Advance(2);
    }
}
