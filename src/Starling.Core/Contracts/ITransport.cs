namespace Starling;

/// <summary>Carries raw, unauthenticated byte streams between addresses; an upgrader turns them into an <see cref="IConnection"/>.</summary>
public interface ITransport
{
    /// <summary>Whether this transport can dial the address (a trailing peer id is ignored).</summary>
    bool CanDial(Multiaddr address);

    /// <summary>Whether this transport can listen on the address.</summary>
    bool CanListen(Multiaddr address);

    /// <summary>Connects to one address.</summary>
    /// <exception cref="HandshakeException">The address is not reachable; the message says why.</exception>
    ValueTask<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken = default);

    /// <summary>Binds and starts to listen; connections are accepted from the moment this returns.</summary>
    /// <exception cref="StarlingException">The address cannot be bound; the message says why.</exception>
    ValueTask<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default);
}

/// <summary>A bound address that accepts raw connections. Disposing stops it and ends a waiting accept.</summary>
public interface ITransportListener : IAsyncDisposable
{
    /// <summary>The addresses that really accept, with port 0 and wildcard hosts resolved; those of a wildcard may change with the interfaces.</summary>
    IReadOnlyList<Multiaddr> Addresses { get; }

    /// <summary>The next raw connection, or null once the listener is disposed. Transient accept errors are survived inside.</summary>
    ValueTask<RawConnection?> AcceptAsync(CancellationToken cancellationToken = default);
}

/// <summary>A raw duplex byte stream between two addresses, not authenticated. Whoever receives it owns it.</summary>
/// <param name="Channel">The bytes; disposing it closes the connection. One read and one write at a time.</param>
/// <param name="LocalAddress">This end.</param>
/// <param name="RemoteAddress">The other end.</param>
/// <param name="Direction">Who dialled.</param>
public sealed record RawConnection(Stream Channel, Multiaddr LocalAddress, Multiaddr RemoteAddress, Direction Direction) : IAsyncDisposable
{
    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Channel.DisposeAsync();
}
