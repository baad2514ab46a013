using System.Text.Json;
using Starling.Protocols.Noise;

namespace Starling.Protocols.Tests.Noise;

/// <summary>The published vectors of Noise_XX_25519_ChaChaPoly_SHA256, bit by bit; the file names where each comes from.</summary>
public sealed class XXVectorTests
{
    public static TheoryData<int> Vectors => [.. Enumerable.Range(0, Load().Count)];

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Every_message_and_the_handshake_hash_are_those_of_the_published_vector(int index)
    {
        var vector = Load()[index];
        using var initiatorStatic = Key(vector.init_static);
        using var initiatorEphemeral = Key(vector.init_ephemeral);
        using var responderStatic = Key(vector.resp_static);
        using var responderEphemeral = Key(vector.resp_ephemeral);
        using var initiator = new XXHandshake(Direction.Outbound, initiatorStatic, initiatorEphemeral, Convert.FromHexString(vector.init_prologue));
        using var responder = new XXHandshake(Direction.Inbound, responderStatic, responderEphemeral, Convert.FromHexString(vector.resp_prologue));

        for (var i = 0; i < 3; i++)
        {
            var (writer, reader) = i % 2 == 0 ? (initiator, responder) : (responder, initiator);
            var payload = Convert.FromHexString(vector.messages[i].payload);
            var message = new byte[payload.Length + writer.Overhead];
            Assert.Equal(message.Length, writer.Write(payload, message));
            Assert.Equal(vector.messages[i].ciphertext, Convert.ToHexStringLower(message));
            var read = new byte[message.Length];
            var length = reader.Read(message, read);
            Assert.Equal(payload, read[..length]);
        }

        Assert.True(initiator.IsComplete && responder.IsComplete);
        Assert.Equal(initiator.HandshakeHash, responder.HandshakeHash);
        if (vector.handshake_hash is { } hash) Assert.Equal(hash, Convert.ToHexStringLower(initiator.HandshakeHash));
        CheckTransport(vector, initiator, responder);
    }

    private static void CheckTransport(Vector vector, XXHandshake initiator, XXHandshake responder)
    {
        var (initiatorSends, initiatorReceives) = initiator.Split();
        var (responderSends, responderReceives) = responder.Split();
        for (var i = 3; i < vector.messages.Length; i++)
        {
            var (sending, receiving) = i % 2 == 0 ? (initiatorSends, responderReceives) : (responderSends, initiatorReceives);
            var payload = Convert.FromHexString(vector.messages[i].payload);
            var message = new byte[payload.Length + NoiseFrame.TagLength];
            sending.Encrypt(payload, [], message);
            Assert.Equal(vector.messages[i].ciphertext, Convert.ToHexStringLower(message));
            Assert.True(receiving.TryDecrypt(message, [], message));
            Assert.Equal(payload, message[..payload.Length]);
        }
    }

    private static X25519Key Key(string hex) => X25519Key.FromPrivateKey(Convert.FromHexString(hex));

    private static List<Vector> Load()
    {
        using var stream = typeof(XXVectorTests).Assembly.GetManifestResourceStream("xx-vectors.json")!;
        return JsonSerializer.Deserialize<VectorFile>(stream)!.vectors;
    }

#pragma warning disable IDE1006, CA1812 // The names are the file's.
    private sealed record VectorFile(List<Vector> vectors);

    private sealed record Vector(
        string init_prologue,
        string init_static,
        string init_ephemeral,
        string resp_prologue,
        string resp_static,
        string resp_ephemeral,
        string? handshake_hash,
        Message[] messages);

    private sealed record Message(string payload, string ciphertext);
#pragma warning restore IDE1006, CA1812
}
