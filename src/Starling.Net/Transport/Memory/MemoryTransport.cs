using System.Globalization;
using System.Threading.Channels;

namespace Starling.Net.Transport;

/// <summary>Byte streams inside one process, <c>/memory/N</c>: for tests, and for several nodes in one program. Safe for several threads.</summary>
/// <remarks>Listening on <c>/memory/0</c> takes a free number, as port 0 does.</remarks>
public sealed class MemoryTransport(MemoryNetwork network) : ITransport
{
    /// <inheritdoc/>
    public bool CanDial(Multiaddr address) => TryGetNumber(address, out var number) && number > 0;

    /// <inheritdoc/>
    public bool CanListen(Multiaddr address) => TryGetNumber(address, out _);

    /// <inheritdoc/>
    public ValueTask<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        if (!TryGetNumber(address, out var number) || number == 0)
            throw new HandshakeException(HandshakeFailure.UnsupportedAddress, $"{address} is no in-memory address that can be dialled; name a number above 0.");
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<RawConnection>(cancellationToken);

        var pair = network.Open();
        var local = Multiaddr.Memory(network.NextNumber());
        var remote = address.WithoutPeerId();
        if (network.Find(number)?.TryOffer(new RawConnection(pair.Listener, remote, local, Direction.Inbound)) == true)
            return new ValueTask<RawConnection>(new RawConnection(pair.Dialler, local, remote, Direction.Outbound));

        pair.Abort();
        throw new HandshakeException(HandshakeFailure.TransportFailed, $"{address}: connection refused: nothing listens there, or its backlog is full.");
    }

    /// <inheritdoc/>
    public ValueTask<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        if (!TryGetNumber(address, out var number)) throw new StarlingException($"Cannot listen on {address}: it is no in-memory address, such as /memory/1.");
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<ITransportListener>(cancellationToken);
        if (number == 0) number = network.NextNumber();
        var listener = new MemoryListener(network, number);
        if (!network.TryAdd(number, listener)) throw new StarlingException($"Cannot listen on {address}: the number is in use: choose another, or 0 for any free one.");
        return new ValueTask<ITransportListener>(listener);
    }

    private static bool TryGetNumber(Multiaddr address, out ulong number)
    {
        ArgumentNullException.ThrowIfNull(address);
        number = 0;
        var components = address.WithoutPeerId().Components;
        return components is [{ Protocol: "memory" }] && ulong.TryParse(components[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}

/// <summary>A number that accepts in-memory connections, with a bounded backlog.</summary>
internal sealed class MemoryListener(MemoryNetwork network, ulong number) : ITransportListener
{
    private const int Backlog = 512;

    private readonly Channel<RawConnection> _offered = Channel.CreateBounded<RawConnection>(Backlog);

    public IReadOnlyList<Multiaddr> Addresses { get; } = [Multiaddr.Memory(number)];

    public bool TryOffer(RawConnection connection) => _offered.Writer.TryWrite(connection);

    public async ValueTask<RawConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _offered.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_offered.Reader.TryRead(out var connection)) return connection;
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        network.Remove(number);
        _offered.Writer.TryComplete();
        while (_offered.Reader.TryRead(out var waiting)) await waiting.DisposeAsync();
    }
}
