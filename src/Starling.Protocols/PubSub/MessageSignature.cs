using System.Buffers;

namespace Starling.Protocols.PubSub;

/// <summary>The signature of a message: over the prefix and the message without its signature and key (pubsub spec, "Message Signing").</summary>
internal static class MessageSignature
{
    /// <summary>What every signed message begins with, so that a signature means nothing elsewhere.</summary>
    public static ReadOnlySpan<byte> Prefix => "libp2p-pubsub:"u8;

    /// <summary>Finds the origin's key and checks the signature over the bytes as they were sent.</summary>
    public static void Verify(ReadOnlySpan<byte> body, ref RpcMessage message)
    {
        if (!TryFindKey(body, in message, out var key))
        {
            message.Refusal = PubSubRefusal.BadKey;
            message.State = RpcMessageState.Failed;
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(Prefix.Length + message.Whole.Length);
        try
        {
            var length = CopySigned(body, in message, buffer);
            var holds = key!.Verify(buffer.AsSpan(0, length), message.Signature.In(body));
            message.Refusal = holds ? PubSubRefusal.None : PubSubRefusal.BadSignature;
            message.State = holds ? RpcMessageState.Verified : RpcMessageState.Failed;
            if (holds) message.Origin!.Key = key;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static bool TryFindKey(ReadOnlySpan<byte> body, in RpcMessage message, out PublicKey? key)
    {
        var origin = message.Origin!;
        key = origin.Key;
        if (!message.Key.IsPresent) return key is not null || origin.Id.TryGetInlineKey(out key);
        if (key is not null && key.Encoded.Span.SequenceEqual(message.Key.In(body))) return true;
        return PublicKey.TryDecode(message.Key.In(body), out key, out _) && key!.ToPeerId().Equals(origin.Id);
    }

    /// <summary>Copies the message around its signature and key, in the order in which it was sent.</summary>
    private static int CopySigned(ReadOnlySpan<byte> body, in RpcMessage message, Span<byte> to)
    {
        Prefix.CopyTo(to);
        var length = Prefix.Length;
        var (first, second) = (message.SignatureField, message.KeyField);
        if (second.IsPresent && second.Start < first.Start) (first, second) = (second, first);
        var at = message.Whole.Start;
        Copy(body, ref at, first, to, ref length);
        if (second.IsPresent) Copy(body, ref at, second, to, ref length);
        Copy(body, ref at, new RpcField(message.Whole.Start + message.Whole.Length, 0), to, ref length);
        return length;
    }

    /// <summary>Copies up to the field that is left out, and steps over it.</summary>
    private static void Copy(ReadOnlySpan<byte> body, ref int at, RpcField leftOut, Span<byte> to, ref int length)
    {
        var part = body[at..leftOut.Start];
        part.CopyTo(to[length..]);
        length += part.Length;
        at = leftOut.Start + leftOut.Length;
    }
}
