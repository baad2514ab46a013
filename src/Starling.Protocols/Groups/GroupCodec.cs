using System.Buffers;
using System.Buffers.Binary;

namespace Starling.Protocols.Groups;

/// <summary>What members of a group tell each other, as bytes.</summary>
/// <remarks>Version 1, state, instance (8 bytes, little-endian), waiting, then runs of notes that differ only in the message's number: kind, attempt,
/// receiver, origin, stream (8 bytes), count, numbers each as the difference to the one before (zigzag). Numbers are varints, ids have their length in front.</remarks>
public static class GroupCodec
{
    /// <summary>Notes in one frame at most.</summary>
    public const int MaxNotes = 2048;

    /// <summary>The highest attempt that is read.</summary>
    public const int MaxAttempt = 1_000_000;

    private const byte Version = 1;

    /// <summary>Writes a frame.</summary>
    /// <exception cref="ArgumentException">It has more than <see cref="MaxNotes"/>.</exception>
    public static byte[] Encode(GroupFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        if (frame.Notes.Count > MaxNotes) throw new ArgumentException($"A frame has at most {MaxNotes} notes, not {frame.Notes.Count}.", nameof(frame));
        var output = new ArrayBufferWriter<byte>(64 + (4 * frame.Notes.Count));
        output.Write([Version, (byte)frame.State]);
        WriteFixed(output, frame.Instance);
        Varint.Write(output, (ulong)frame.Waiting);
        for (var first = 0; first < frame.Notes.Count;)
        {
            var head = frame.Notes[first];
            var end = first + 1;
            while (end < frame.Notes.Count && IsRun(head, frame.Notes[end])) end++;
            output.Write([(byte)head.Kind]);
            Varint.Write(output, (ulong)head.Attempt);
            WriteId(output, head.To);
            WriteId(output, head.Key.Origin);
            WriteFixed(output, head.Key.Stream);
            Varint.Write(output, (ulong)(end - first));
            for (var last = 0ul; first < end; first++)
            {
                var step = (long)(frame.Notes[first].Key.Number - last);
                Varint.Write(output, (ulong)((step << 1) ^ (step >> 63)));
                last = frame.Notes[first].Key.Number;
            }
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads a frame; null when the bytes are none.</summary>
    public static GroupFrame? Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 11 || bytes[0] != Version || bytes[1] > (byte)GroupMemberState.Left) return null;
        var state = (GroupMemberState)bytes[1];
        var instance = BinaryPrimitives.ReadUInt64LittleEndian(bytes[2..]);
        bytes = bytes[10..];
        if (!TryNumber(ref bytes, int.MaxValue, out var waiting)) return null;
        List<GroupNote> notes = [];
        while (bytes.Length > 0)
        {
            if (!TryRun(ref bytes, notes)) return null;
        }

        return new GroupFrame(instance, state, (int)waiting, notes);
    }

    private static bool IsRun(in GroupNote one, in GroupNote other) =>
        one.Kind == other.Kind && one.Attempt == other.Attempt && Equals(one.To, other.To) && one.Key.Stream == other.Key.Stream && one.Key.Origin.Equals(other.Key.Origin);

    private static bool TryRun(ref ReadOnlySpan<byte> bytes, List<GroupNote> notes)
    {
        var kind = (GroupNoteKind)bytes[0];
        bytes = bytes[1..];
        if (kind > GroupNoteKind.GivenUp) return false;
        if (!TryNumber(ref bytes, MaxAttempt, out var attempt) || attempt == 0) return false;
        if (!TryId(ref bytes, out var to) || !TryId(ref bytes, out var origin) || origin is null) return false;
        if ((kind == GroupNoteKind.Given) != (to is not null) || bytes.Length < 8) return false;
        var stream = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        bytes = bytes[8..];
        if (!TryNumber(ref bytes, (ulong)(MaxNotes - notes.Count), out var count) || count == 0) return false;
        var number = 0ul;
        for (; count > 0; count--)
        {
            if (!TryNumber(ref bytes, ulong.MaxValue, out var step)) return false;
            unchecked
            {
                number += (step >> 1) ^ (ulong)-(long)(step & 1);
            }

            notes.Add(new GroupNote(kind, new GroupKey(origin, stream, number), (int)attempt, to));
        }

        return true;
    }

    private static bool TryNumber(ref ReadOnlySpan<byte> bytes, ulong most, out ulong value)
    {
        if (Varint.TryRead(bytes, out value, out var read) != OperationStatus.Done || value > most) return false;
        bytes = bytes[read..];
        return true;
    }

    private static bool TryId(ref ReadOnlySpan<byte> bytes, out PeerId? id)
    {
        id = null;
        if (!TryNumber(ref bytes, PeerId.MaxLength, out var length) || (int)length > bytes.Length) return false;
        if (length > 0 && !PeerId.TryFromBytes(bytes[..(int)length], out id)) return false;
        bytes = bytes[(int)length..];
        return true;
    }

    private static void WriteId(ArrayBufferWriter<byte> output, PeerId? id)
    {
        Varint.Write(output, (ulong)(id?.Bytes.Length ?? 0));
        if (id is not null) output.Write(id.Bytes);
    }

    private static void WriteFixed(ArrayBufferWriter<byte> output, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(output.GetSpan(8), value);
        output.Advance(8);
    }
}
