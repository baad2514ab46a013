using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Starling.Protocols.Links.Wire;

namespace Starling.Protocols.Links;

/// <summary>Reads and writes what <c>/ipfs/id/1.0.0</c> and <c>/ipfs/id/push/1.0.0</c> carry: up to ten length-prefixed
/// messages of 8 KiB, merged into one (identify specification).</summary>
public static class IdentifyCodec
{
    /// <summary>The protocol that asks a peer to identify itself.</summary>
    public const string IdentifyProtocol = "/ipfs/id/1.0.0";

    /// <summary>The protocol that tells a peer of changes.</summary>
    public const string PushProtocol = "/ipfs/id/push/1.0.0";

    /// <summary>Messages that are merged at most.</summary>
    public const int MaxMessages = 10;

    /// <summary>Bytes of one message at most, without its length prefix.</summary>
    public const int MaxMessageLength = 8192;

    /// <summary>Bytes of all messages at most, with their length prefixes.</summary>
    public const int MaxTotalLength = MaxMessages * (MaxMessageLength + 2);

    /// <summary>Addresses that are kept; further ones are passed over.</summary>
    public const int MaxAddresses = 64;

    /// <summary>Protocol ids that are kept; further ones are passed over.</summary>
    public const int MaxProtocols = 512;

    /// <summary>Characters of a protocol id or a version; longer ids are passed over, longer versions cut.</summary>
    public const int MaxTextLength = 256;

    /// <summary>Characters of a display name; longer ones are cut.</summary>
    public const int MaxDisplayNameLength = 64;

    /// <summary>Encodes a message, split into several where it would be longer than 8 KiB.</summary>
    /// <exception cref="ArgumentException">It does not fit into ten messages.</exception>
    public static byte[] Encode(IdentifyMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var output = new ArrayBufferWriter<byte>(512);
        var part = new Identify();
        if (message.PublicKey is { } key) part.PublicKey = ByteString.CopyFrom(key.Span);
        if (message.ObservedAddress is { } observed) part.ObservedAddr = ByteString.CopyFrom(observed.Bytes.Span);
        if (message.ProtocolVersion is { } protocolVersion) part.ProtocolVersion = protocolVersion;
        if (message.AgentVersion is { } agentVersion) part.AgentVersion = agentVersion;
        if (message.DisplayName is { } displayName) part.DisplayName = displayName;
        if (message.IsTransient) part.Transient = true;
        foreach (var protocol in message.Protocols) Add(new Identify { Protocols = { protocol } });
        foreach (var address in message.ListenAddresses) Add(new Identify { ListenAddrs = { ByteString.CopyFrom(address.Bytes.Span) } });
        if (!message.SignedPeerRecord.IsEmpty) Add(new Identify { SignedPeerRecord = ByteString.CopyFrom(message.SignedPeerRecord.Span) });
        Flush();
        if (output.WrittenCount > MaxTotalLength) throw new ArgumentException($"The message takes {output.WrittenCount} bytes; {MaxTotalLength} are allowed.", nameof(message));
        return output.WrittenSpan.ToArray();

        void Add(Identify more)
        {
            if (part.CalculateSize() + more.CalculateSize() > MaxMessageLength) Flush();
            part.MergeFrom(more);
        }

        void Flush()
        {
            var size = part.CalculateSize();
            if (size > MaxMessageLength) throw new ArgumentException($"One part of the message takes {size} bytes; {MaxMessageLength} are allowed.", nameof(message));
            Varint.Write(output, (ulong)size);
            part.WriteTo(output.GetSpan(size)[..size]);
            output.Advance(size);
            part = new Identify();
        }
    }

    /// <summary>Decodes all that was read until the end of the stream, and merges it.</summary>
    /// <param name="bytes">Whole length-prefixed messages, at most <see cref="MaxTotalLength"/> bytes.</param>
    /// <param name="message">What was told, copied; or null.</param>
    /// <param name="error">What is wrong with the bytes, or null.</param>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out IdentifyMessage? message, [NotNullWhen(false)] out string? error)
    {
        message = null;
        error = null;
        var merged = new Identify();
        for (var count = 0; !bytes.IsEmpty; count++)
        {
            if (count == MaxMessages) return Refuse($"more than {MaxMessages} messages", out error);
            var status = Varint.TryRead(bytes, out var length, out var consumed);
            if (status == OperationStatus.InvalidData) return Refuse("a malformed length", out error);
            if (length > MaxMessageLength) return Refuse($"a message of {length} bytes, {MaxMessageLength} are allowed", out error);
            if (status == OperationStatus.NeedMoreData || bytes.Length - consumed < (int)length) return Refuse("an end within a message", out error);
            try
            {
                merged.MergeFrom(bytes.Slice(consumed, (int)length));
            }
            catch (Exception e) when (e is InvalidProtocolBufferException or IndexOutOfRangeException or ArgumentException)
            {
                return Refuse($"bytes that are no protobuf ({e.Message})", out error);
            }

            if (merged.ListenAddrs.Count > MaxMessageLength || merged.Protocols.Count > MaxMessageLength) return Refuse($"more than {MaxMessageLength} entries", out error);
            bytes = bytes[(consumed + (int)length)..];
        }

        message = Bound(merged);
        return true;
    }

    /// <summary>Cuts a text to a length and replaces control characters, which could steer a terminal that shows it.</summary>
    public static string Clean(string text, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > maxLength) text = text[..(char.IsHighSurrogate(text[maxLength - 1]) ? maxLength - 1 : maxLength)];
        return text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c)) : text;
    }

    private static IdentifyMessage Bound(Identify wire)
    {
        var skipped = 0;
        var addresses = new List<Multiaddr>();
        foreach (var bytes in wire.ListenAddrs)
        {
            if (addresses.Count < MaxAddresses && Multiaddr.TryDecode(bytes.Span, out var address, out _)) addresses.Add(address);
            else skipped++;
        }

        var protocols = new List<string>();
        foreach (var protocol in wire.Protocols)
        {
            if (protocols.Count < MaxProtocols && protocol.Length is > 0 and <= MaxTextLength && !protocol.Any(char.IsControl)) protocols.Add(protocol);
            else skipped++;
        }

        Multiaddr? observed = null;
        if (wire.HasObservedAddr && !Multiaddr.TryDecode(wire.ObservedAddr.Span, out observed, out _)) skipped++;
        return new IdentifyMessage
        {
            PublicKey = wire.HasPublicKey ? wire.PublicKey.Memory : null,
            ListenAddresses = addresses,
            Protocols = protocols,
            ObservedAddress = observed,
            ProtocolVersion = wire.HasProtocolVersion ? Clean(wire.ProtocolVersion, MaxTextLength) : null,
            AgentVersion = wire.HasAgentVersion ? Clean(wire.AgentVersion, MaxTextLength) : null,
            DisplayName = wire.HasDisplayName ? Clean(wire.DisplayName, MaxDisplayNameLength) : null,
            IsTransient = wire.Transient,
            SignedPeerRecord = wire.HasSignedPeerRecord ? wire.SignedPeerRecord.Memory : default,
            Skipped = skipped,
        };
    }

    private static bool Refuse(string why, out string error)
    {
        error = $"identify holds {why}";
        return false;
    }
}
