using System.Net;

namespace Starling;

/// <summary>placeholder surface; the address part fills it in</summary>
public sealed class Multiaddr : IEquatable<Multiaddr>
{
    /// <summary>Parses text; FormatException names the bad part.</summary>
    public static Multiaddr Parse(string text) => throw new NotSupportedException();
    /// <summary>Parses text.</summary>
    public static bool TryParse(string? text, out Multiaddr? address, out string? error) => throw new NotSupportedException();
    /// <summary>Multiaddr text, host:port or [v6]:port — wherever a user types an address.</summary>
    public static Multiaddr ParseUserInput(string text) => throw new NotSupportedException();
    /// <summary>Decodes the binary form.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out Multiaddr? address, out string? error) => throw new NotSupportedException();
    /// <summary>ip4/ip6 + tcp.</summary>
    public static Multiaddr FromEndPoint(IPEndPoint endPoint) => throw new NotSupportedException();
    /// <summary>The binary form.</summary>
    public ReadOnlyMemory<byte> Bytes => throw new NotSupportedException();
    /// <summary>Components in order.</summary>
    public IReadOnlyList<MultiaddrComponent> Components => throw new NotSupportedException();
    /// <summary>The last /p2p component's id or null.</summary>
    public PeerId? PeerId => throw new NotSupportedException();
    /// <summary>Without the trailing /p2p.</summary>
    public Multiaddr WithoutPeerId() => throw new NotSupportedException();
    /// <summary>With the trailing /p2p set to the id.</summary>
    public Multiaddr WithPeerId(PeerId id) => throw new NotSupportedException();
    /// <summary>ip4/ip6 + tcp as an endpoint.</summary>
    public bool TryGetTcpEndPoint(out IPEndPoint? endPoint) => throw new NotSupportedException();
    /// <summary>Whether the host is loopback.</summary>
    public bool IsLoopback => throw new NotSupportedException();
    /// <inheritdoc/>
    public bool Equals(Multiaddr? other) => throw new NotSupportedException();
    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Multiaddr);
    /// <inheritdoc/>
    public override int GetHashCode() => throw new NotSupportedException();
}

/// <summary>One component.</summary>
/// <param name="Protocol">Name as in the multiaddr table, such as ip4.</param>
/// <param name="Value">Text value, empty for protocols without one.</param>
public readonly record struct MultiaddrComponent(string Protocol, string Value);
