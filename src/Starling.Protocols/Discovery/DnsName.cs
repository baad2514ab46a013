using System.Globalization;
using System.Text;

namespace Starling.Protocols.Discovery;

/// <summary>A domain name: labels of 1 to 63 bytes, at most 255 bytes on the wire, compared without regard to ASCII case (RFC 1035 §2.3.3).</summary>
/// <remarks>Held as its uncompressed wire form, so any label bytes survive, dots included. Immutable.</remarks>
public sealed class DnsName : IEquatable<DnsName>
{
    /// <summary>The longest label, in bytes (RFC 1035 §2.3.4).</summary>
    public const int MaxLabel = 63;

    /// <summary>The longest name on the wire, in bytes, length bytes and the final zero included (RFC 1035 §2.3.4).</summary>
    public const int MaxLength = 255;

    private readonly byte[] _wire;

    internal DnsName(ReadOnlySpan<byte> wire) => _wire = wire.ToArray();

    /// <summary>The uncompressed wire form, with its final zero byte.</summary>
    public ReadOnlyMemory<byte> Wire => _wire;

    /// <summary>Makes a name of dotted text, such as <c>_p2p._udp.local</c>; a final dot may be there.</summary>
    /// <exception cref="FormatException">A label is empty or too long, or the name is; the message says which.</exception>
    public static DnsName Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var wire = new List<byte>(text.Length + 2);
        var dotted = text.EndsWith('.') ? text[..^1] : text;
        foreach (var label in dotted.Split('.'))
        {
            var bytes = Encoding.UTF8.GetBytes(label);
            if (bytes.Length is 0 or > MaxLabel) throw new FormatException($"The name '{text}' has a label of {bytes.Length} bytes; 1 to {MaxLabel} are allowed.");
            wire.Add((byte)bytes.Length);
            wire.AddRange(bytes);
        }

        wire.Add(0);
        if (wire.Count > MaxLength) throw new FormatException($"The name '{text}' takes {wire.Count} bytes; {MaxLength} are allowed.");
        return new DnsName(wire.ToArray());
    }

    /// <summary>This name with one more label in front of it.</summary>
    /// <exception cref="FormatException">The label or the name becomes too long.</exception>
    public DnsName WithLabel(string label)
    {
        var bytes = Encoding.UTF8.GetBytes(label);
        if (bytes.Length is 0 or > MaxLabel) throw new FormatException($"The label '{label}' takes {bytes.Length} bytes; 1 to {MaxLabel} are allowed.");
        if (_wire.Length + bytes.Length + 1 > MaxLength) throw new FormatException($"The name '{label}.{this}' takes more than {MaxLength} bytes.");
        return new DnsName([(byte)bytes.Length, .. bytes, .. _wire]);
    }

    /// <summary>Whether this is <paramref name="parent"/> with exactly one label in front.</summary>
    public bool IsChildOf(DnsName parent)
    {
        ArgumentNullException.ThrowIfNull(parent);
        return _wire[0] != 0 && Same(_wire.AsSpan(_wire[0] + 1), parent._wire);
    }

    /// <inheritdoc/>
    public bool Equals(DnsName? other) => other is not null && Same(_wire, other._wire);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as DnsName);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var value in _wire) hash.Add(Fold(value));
        return hash.ToHashCode();
    }

    /// <summary>Dotted text for people; bytes outside printable ASCII, dots and backslashes inside labels are escaped as <c>\DDD</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(_wire.Length);
        for (var at = 0; _wire[at] != 0; at += _wire[at] + 1)
        {
            if (at > 0) text.Append('.');
            foreach (var value in _wire.AsSpan(at + 1, _wire[at]))
            {
                if (value is > 0x20 and < 0x7f && value != '.' && value != '\\') text.Append((char)value);
                else text.Append('\\').Append(value.ToString("D3", CultureInfo.InvariantCulture));
            }
        }

        return text.Length == 0 ? "." : text.ToString();
    }

    // Length bytes are at most 63 and so are never taken for letters.
    internal static bool Same(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.Length != right.Length) return false;
        for (var i = 0; i < left.Length; i++)
        {
            if (Fold(left[i]) != Fold(right[i])) return false;
        }

        return true;
    }

    private static byte Fold(byte value) => value is >= (byte)'A' and <= (byte)'Z' ? (byte)(value | 0x20) : value;
}
