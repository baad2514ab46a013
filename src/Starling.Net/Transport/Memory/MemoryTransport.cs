using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;

namespace Starling.Net.Transport;

/// <summary>The world that in-memory transports share: listeners by their number.</summary>
public sealed class MemoryNetwork
{
    private long _lastPort = 1L << 32;

    internal ConcurrentDictionary<ulong, MemoryListener> Listeners { get; } = new();

    /// <summary>A number that nobody was given before, for a listener on 0 and for a dialler's end.</summary>
    internal ulong NextNumber() => (ulong)Interlocked.Increment(ref _lastPort);
}

/// <summary>Connections within the process, by addresses <c>/memory/N</c>: the contract of TCP without sockets, for tests and simulations.</summary>
/// <param name="network">Who shares it can reach one another.</param>
public sealed class MemoryTransport(MemoryNetwork network) : ITransport
{
    /// <inheritdoc/>
    public bool CanDial(Multiaddr address) => TryGetNumber(address, out var number) && number > 0;

    /// <inheritdoc/>
    public bool CanListen(Multiaddr address) => TryGetNumber(address, out _) && address.PeerId is null;

    /// <inheritdoc/>
    public async ValueTask<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        if (!TryGetNumber(address, out var number) || number == 0)
            throw new HandshakeException(HandshakeFailure.UnsupportedAddress, $"{address} is no in-memory address that can be dialled.");
        cancellationToken.ThrowIfCancellationRequested();
        if (!network.Listeners.TryGetValue(number, out var listener)) throw Refused(address);
        var (near, far) = ByteDuplexStream.CreatePair();
        var (here, there) = (Multiaddr.Memory(network.NextNumber()), Multiaddr.Memory(number));
        if (await listener.OfferAsync(new RawConnection(far, there, here, Direction.Inbound), cancellationToken))
            return new RawConnection(near, here, there, Direction.Outbound);
        await near.DisposeAsync();
        throw Refused(address);
    }

    /// <inheritdoc/>
    public ValueTask<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        if (!CanListen(address)) throw new StarlingException($"{address} is no in-memory address that can be listened on.");
        cancellationToken.ThrowIfCancellationRequested();
        TryGetNumber(address, out var number);
        if (number == 0) number = network.NextNumber();
        var listener = new MemoryListener(number, network);
        if (!network.Listeners.TryAdd(number, listener))
            throw new StarlingException($"Cannot listen on {address}: the address is in use; choose another number, or 0 for any.");
        return new ValueTask<ITransportListener>(listener);
    }

    private static HandshakeException Refused(Multiaddr address) =>
        new(HandshakeFailure.TransportFailed, $"Cannot connect to {address}: connection refused, nothing listens there.");

    private static bool TryGetNumber(Multiaddr? address, out ulong number)
    {
        number = 0;
        return address?.Components is [{ Protocol: "memory" }] or [{ Protocol: "memory" }, { Protocol: "p2p" }]
            && ulong.TryParse(address.Components[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}

/// <summary>A number that accepts in-memory connections.</summary>
internal sealed class MemoryListener(ulong number, MemoryNetwork network) : ITransportListener
{
    private const int Backlog = 512;

    private readonly Channel<RawConnection> _waiting = Channel.CreateBounded<RawConnection>(Backlog);

    public IReadOnlyList<Multiaddr> Addresses { get; } = [Multiaddr.Memory(number)];

    /// <summary>Hands over a connection, waiting while the backlog is full; false once the listener is closed.</summary>
    public async ValueTask<bool> OfferAsync(RawConnection raw, CancellationToken cancellationToken)
    {
        try
        {
            await _waiting.Writer.WriteAsync(raw, cancellationToken);
            return true;
        }
        catch (ChannelClosedException)
        {
            return false;
        }
    }

    public async ValueTask<RawConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_waiting.Reader.TryRead(out var raw)) return raw;
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        network.Listeners.TryRemove(new KeyValuePair<ulong, MemoryListener>(number, this));
        _waiting.Writer.TryComplete();
        while (_waiting.Reader.TryRead(out var raw)) await raw.DisposeAsync();
    }
}
