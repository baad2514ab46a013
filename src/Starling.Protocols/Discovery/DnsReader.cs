using System.Buffers.Binary;
using System.Net;

namespace Starling.Protocols.Discovery;

/// <summary>Reads one DNS packet; every length is checked before it is used.</summary>
internal ref struct DnsReader(ReadOnlySpan<byte> packet)
{
    private const ushort ResponseBit = 0x8000;
    private const ushort OpcodeAndError = 0x780F;
    private const ushort ClassMask = 0x7FFF;
    private const ushort Internet = 1;
    private const ushort AnyClass = 255;

    // A name has at most 127 labels, so a longer chain of pointers serves only to waste time.
    private const int MaxPointers = 127;

    private readonly ReadOnlySpan<byte> _packet = packet;
    private int _at;

    public DnsError Read(out DnsMessage? message)
    {
        message = null;
        if (_packet.Length > DnsMessage.MaxPacket) return DnsError.TooLarge;
        if (!TryUInt16(out _) || !TryUInt16(out var flags) || !TryUInt16(out var questions) || !TryUInt16(out var answers)
            || !TryUInt16(out var authorities) || !TryUInt16(out var additionals)) return DnsError.Malformed;
        if (questions + answers + authorities + additionals > DnsMessage.MaxEntries) return DnsError.TooManyEntries;

        // RFC 6762 §18.3 and §18.11: other opcodes and error codes are not for us.
        if ((flags & OpcodeAndError) != 0) return DnsError.Malformed;

        var asked = new List<DnsQuestion>(questions);
        for (var i = 0; i < questions; i++)
        {
            if (!TryName(out var name) || !TryUInt16(out var type) || !TryUInt16(out var kind)) return DnsError.Malformed;
            if ((kind & ClassMask) is Internet or AnyClass) asked.Add(new DnsQuestion(name!, (DnsType)type));
        }

        if (!TryRecords(answers, out var answered) || !TryRecords(authorities, out _) || !TryRecords(additionals, out var added)) return DnsError.Malformed;
        message = new DnsMessage((flags & ResponseBit) != 0, asked, answered, added);
        return DnsError.None;
    }

    private bool TryRecords(int count, out List<DnsRecord> records)
    {
        records = new List<DnsRecord>(count);
        for (var i = 0; i < count; i++)
        {
            if (!TryRecord(out var record)) return false;
            if (record is not null) records.Add(record);
        }

        return true;
    }

    private bool TryRecord(out DnsRecord? record)
    {
        record = null;
        if (!TryName(out var name) || !TryUInt16(out var type) || !TryUInt16(out var kind) || !TryUInt32(out var ttl) || !TryUInt16(out var length)) return false;
        var end = _at + length;
        if (end > _packet.Length) return false;
        if ((kind & ClassMask) == Internet && !TryData((DnsType)type, name!, ttl, end, out record)) return false;
        _at = end;
        return true;
    }

    private bool TryData(DnsType type, DnsName name, uint ttl, int end, out DnsRecord? record)
    {
        record = null;
        switch (type)
        {
            case DnsType.Ptr:
                if (!TryName(out var pointed) || _at != end) return false;
                record = new DnsRecord.Ptr(name, ttl, pointed!);
                return true;
            case DnsType.Txt:
                if (!TryStrings(end, out var strings)) return false;
                record = new DnsRecord.Txt(name, ttl, strings);
                return true;
            case DnsType.Srv:
                if (!TryUInt32(out _) || !TryUInt16(out var port) || !TryName(out var host) || _at != end) return false;
                record = new DnsRecord.Srv(name, ttl, port, host!);
                return true;
            case DnsType.A or DnsType.Aaaa:
                if (end - _at != (type == DnsType.A ? 4 : 16)) return false;
                record = new DnsRecord.Host(name, ttl, new IPAddress(_packet[_at..end]));
                return true;
            default:
                return true;
        }
    }

    private bool TryStrings(int end, out List<ReadOnlyMemory<byte>> strings)
    {
        strings = [];
        while (_at < end)
        {
            var length = _packet[_at++];
            if (_at + length > end) return false;

            // One empty string stands for "no attributes" (RFC 6763 §6.1).
            if (length > 0) strings.Add(_packet.Slice(_at, length).ToArray());
            _at += length;
        }

        return true;
    }

    /// <summary>Reads a name. A pointer must lead backwards of the part it ends, so no chain of them can loop.</summary>
    private bool TryName(out DnsName? name)
    {
        name = null;
        Span<byte> wire = stackalloc byte[DnsName.MaxLength];
        var used = 0;
        var at = _at;
        var floor = _at;
        var next = -1;
        var pointers = 0;
        while (at < _packet.Length)
        {
            var length = _packet[at];
            if (length == 0)
            {
                wire[used++] = 0;
                _at = next < 0 ? at + 1 : next;
                name = new DnsName(wire[..used]);
                return true;
            }

            if (length >= 0xC0)
            {
                if (at + 1 >= _packet.Length) return false;
                var target = ((length & 0x3F) << 8) | _packet[at + 1];
                if (target >= floor || ++pointers > MaxPointers) return false;
                if (next < 0) next = at + 2;
                at = floor = target;
                continue;
            }

            // The final zero must fit as well.
            if (length > DnsName.MaxLabel || at + 1 + length > _packet.Length || used + 1 + length >= DnsName.MaxLength) return false;
            _packet.Slice(at, length + 1).CopyTo(wire[used..]);
            used += length + 1;
            at += length + 1;
        }

        return false;
    }

    private bool TryUInt16(out ushort value)
    {
        value = 0;
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_packet[_at..], out value)) return false;
        _at += 2;
        return true;
    }

    private bool TryUInt32(out uint value)
    {
        value = 0;
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_packet[_at..], out value)) return false;
        _at += 4;
        return true;
    }
}
