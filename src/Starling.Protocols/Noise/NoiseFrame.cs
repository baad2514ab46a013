namespace Starling.Protocols.Noise;

/// <summary>The sizes of what goes over the wire (noise-libp2p, "Wire Format"): a two-byte big-endian length, then one Noise message.</summary>
public static class NoiseFrame
{
    /// <summary>Bytes of the length before each message.</summary>
    public const int HeaderLength = 2;

    /// <summary>The longest Noise message, bytes, tag included.</summary>
    public const int MaxMessage = 65535;

    /// <summary>Bytes of the authentication tag at the end of an encrypted message.</summary>
    public const int TagLength = 16;

    /// <summary>The most payload that one transport message carries, bytes.</summary>
    public const int MaxPlaintext = MaxMessage - TagLength;
}
