using System.Buffers;
using Starling.Net.Transport;
using Starling.Protocols.Transport;

namespace Starling.Fuzz;

/// <summary>Certificates of the TLS handshake: a changed one proves nobody, and is refused with a reason.</summary>
internal sealed class Certificates() : Target("certificate", Sample)
{
    private static readonly NodeIdentity Identity = NodeIdentity.Generate();
    private static readonly byte[] Sample = Make();

    public override void Feed(byte[] input, RandomSource random)
    {
        try
        {
            var key = Libp2pCertificate.Verify(input, TimeProvider.System.GetUtcNow());
            Hold(key.Equals(Identity.PublicKey), "only the identity that signed is proved");
            Hold(input.AsSpan().SequenceEqual(Sample), "every byte of a certificate counts");
        }
        catch (HandshakeException)
        {
            // Refused, with its reason.
        }
    }

    private static byte[] Make()
    {
        using var certificate = Libp2pCertificate.Create(Identity, TimeProvider.System);
        return certificate.RawData;
    }
}

/// <summary>The lines of multistream-select.</summary>
internal sealed class MultistreamLines() : Target("multistream", MultistreamMessage.Encode(MultistreamMessage.Header, "/noise", "na"), MultistreamMessage.EncodeList(["/a/1", "/b/2"]))
{
    public override void Feed(byte[] input, RandomSource random)
    {
        ReadOnlySpan<byte> rest = input;
        while (!rest.IsEmpty && MultistreamMessage.TryRead(rest, out var text, out var consumed) == OperationStatus.Done)
        {
            Hold(consumed > 0 && text!.Length <= MultistreamMessage.MaxListLength, "a line is within its bound");
            rest = rest[consumed..];
        }
    }
}
