using System.Net;
using System.Net.Sockets;

namespace Starling.Net.Transport;

/// <summary>Settings of <see cref="Dialer"/>.</summary>
public sealed class DialerOptions
{
    /// <summary>Time from the first attempt to a ready connection. Default 15 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Head start of each address over the next one (RFC 8305, "Connection Attempt Delay"). Default 250 ms. An attempt that fails starts the next at once.</summary>
    public TimeSpan Stagger { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Addresses tried in one dial, after names are resolved; more are left out. Default 16. Each one under way costs a socket and a handshake.</summary>
    public int MaxAddresses { get; set; } = 16;
}

/// <summary>Dials a peer at several addresses in parallel, each with a head start over the next; the first whose handshake succeeds is kept (RFC 8305). Safe for several threads.</summary>
public sealed class Dialer
{
    private readonly IReadOnlyList<ITransport> _transports;
    private readonly Func<RawConnection, PeerId?, CancellationToken, Task<IConnection>> _upgrade;
    private readonly DialerOptions _options;
    private readonly TimeProvider _clock;

    /// <summary>Creates a dialer.</summary>
    /// <param name="transports">The first that can dial an address is used.</param>
    /// <param name="upgrade">Makes a raw connection a link to the expected peer; disposes the raw one when it fails.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="clock">The clock of the timeouts; null for the system's.</param>
    public Dialer(
        IReadOnlyList<ITransport> transports,
        Func<RawConnection, PeerId?, CancellationToken, Task<IConnection>> upgrade,
        DialerOptions? options = null,
        TimeProvider? clock = null)
    {
        _transports = transports;
        _upgrade = upgrade;
        _options = options ?? new DialerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(_options.Timeout, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Stagger, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.MaxAddresses, nameof(options));
        _clock = clock ?? TimeProvider.System;
    }

    /// <summary>Connects to a peer.</summary>
    /// <param name="expected">Who must answer. Null: the id in each address, or whoever answers where there is none.</param>
    /// <param name="addresses">Where; duplicates are tried once.</param>
    /// <param name="cancellationToken">Ends all attempts.</param>
    /// <exception cref="HandshakeException">No address led to a connection; the message names each with its reason.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<IConnection> DialAsync(PeerId? expected, IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        using var deadline = new Deadline(_options.Timeout, _clock, cancellationToken);
        using var race = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token);
        var failures = new List<HandshakeException>();
        var waiting = new Queue<Multiaddr>(await ResolveAsync(addresses, failures, deadline, cancellationToken));
        var running = new List<Task<IConnection>>();
        try
        {
            while (waiting.Count > 0 || running.Count > 0)
            {
                if (waiting.TryDequeue(out var address)) running.Add(AttemptAsync(address, expected, deadline, race.Token));
                if (await FirstDoneAsync(running, waiting.Count > 0, race.Token) is not { } done) continue;
                running.Remove(done);
                try
                {
                    return await done;
                }
                catch (HandshakeException e)
                {
                    failures.Add(e);
                }
            }
        }
        finally
        {
            await race.CancelAsync();
            foreach (var loser in running) _ = CloseLoserAsync(loser);
        }

        cancellationToken.ThrowIfCancellationRequested();
        throw Summary(expected, failures);
    }

    /// <returns>An attempt that ended, or null when it is time to start the next one.</returns>
    private async Task<Task<IConnection>?> FirstDoneAsync(List<Task<IConnection>> running, bool more, CancellationToken cancellationToken)
    {
        if (!more) return await Task.WhenAny(running);
#pragma warning disable MA0100 // The delay that lost is cancelled, not awaited: there is nothing more to learn from it.
        using var early = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var stagger = Task.Delay(_options.Stagger, _clock, early.Token);
        var first = await Task.WhenAny([.. running, stagger]);
        await early.CancelAsync();
        return first == stagger ? null : (Task<IConnection>)first;
#pragma warning restore MA0100
    }

    private async Task<IConnection> AttemptAsync(Multiaddr address, PeerId? expected, Deadline deadline, CancellationToken cancellationToken)
    {
        var named = address.PeerId;
        if (expected is not null && named is not null && named != expected)
            throw new HandshakeException(HandshakeFailure.PeerIdMismatch, $"{address} is an address of another peer than {expected}.");
        var transport = _transports.FirstOrDefault(one => one.CanDial(address))
            ?? throw new HandshakeException(HandshakeFailure.UnsupportedAddress, $"{address}: no transport of this node dials such an address.");
        try
        {
            var raw = await transport.DialAsync(address, cancellationToken);
            return await _upgrade(raw, named ?? expected, cancellationToken);
        }
        catch (HandshakeException e) when (!e.Message.Contains(address.WithoutPeerId().ToString(), StringComparison.Ordinal))
        {
            throw new HandshakeException(e.Failure, $"{address}: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (deadline.IsOver)
        {
            throw new HandshakeException(HandshakeFailure.TimedOut, $"{address}: no ready connection within {_options.Timeout.TotalSeconds:0.#} s.", e);
        }
    }

    /// <summary>Names become addresses here, so that all of a name's addresses take part in the race; families take turns.</summary>
    private async Task<IEnumerable<Multiaddr>> ResolveAsync(
        IReadOnlyList<Multiaddr> addresses, List<HandshakeException> failures, Deadline deadline, CancellationToken cancellationToken)
    {
        if (addresses.Count == 0) throw new HandshakeException(HandshakeFailure.UnsupportedAddress, "There is no address to dial.");
        var resolved = new List<Multiaddr>();
        var lookups = addresses.Distinct().Take(_options.MaxAddresses).Select(address => LookUpAsync(address, deadline.Token)).ToArray();
        await ((Task)Task.WhenAll(lookups)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var lookup in lookups)
        {
            try
            {
                resolved.AddRange(await lookup);
            }
            catch (HandshakeException e)
            {
                failures.Add(e);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                failures.Add(new HandshakeException(HandshakeFailure.TimedOut, $"A name was not resolved within {_options.Timeout.TotalSeconds:0.#} s."));
            }
        }

        return Alternate([.. resolved.Distinct()]).Take(_options.MaxAddresses);
    }

    private static async Task<IReadOnlyList<Multiaddr>> LookUpAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        var kind = address.Components.Count > 0 ? address.Components[0].Protocol : string.Empty;
        if (kind == "dnsaddr")
            throw new HandshakeException(HandshakeFailure.UnsupportedAddress, $"{address}: dnsaddr names are not resolved here; give the addresses behind it.");
        if (kind is not ("dns" or "dns4" or "dns6") || !address.TryGetTcpHost(out var host, out var port)) return [address];
        var family = kind switch { "dns4" => AddressFamily.InterNetwork, "dns6" => AddressFamily.InterNetworkV6, _ => AddressFamily.Unspecified };
        try
        {
            var found = await Dns.GetHostAddressesAsync(host, family, cancellationToken);
            if (found.Length == 0) throw new SocketException((int)SocketError.HostNotFound);
            return [.. found.Select(ip => WithId(Multiaddr.FromEndPoint(new IPEndPoint(ip, port)), address.PeerId))];
        }
        catch (SocketException e)
        {
            throw new HandshakeException(HandshakeFailure.TransportFailed, $"{address}: {TcpErrors.Explain(e)}.", e);
        }
    }

    private static Multiaddr WithId(Multiaddr address, PeerId? id) => id is null ? address : address.WithPeerId(id);

    private static IEnumerable<Multiaddr> Alternate(List<Multiaddr> addresses)
    {
        var families = addresses.GroupBy(address => address.Components[0].Protocol).Select(group => new Queue<Multiaddr>(group)).ToList();
        while (families.Exists(family => family.Count > 0))
        {
            foreach (var family in families)
            {
                if (family.TryDequeue(out var next)) yield return next;
            }
        }
    }

    /// <summary>An attempt that was overtaken may still succeed before it sees its cancellation.</summary>
    private static async Task CloseLoserAsync(Task<IConnection> loser)
    {
        try
        {
            var late = await loser;
            await late.CloseAsync(new CloseInfo(CloseReason.DuplicateLink, "Another address was faster."));
        }
        catch (Exception e) when (e is HandshakeException or OperationCanceledException or StarlingException or IOException)
        {
            // It lost; why no longer matters to anyone.
        }
    }

    /// <summary>One message for all addresses; its kind is that of the attempt that got furthest.</summary>
    private static HandshakeException Summary(PeerId? expected, List<HandshakeException> failures)
    {
        if (failures.Count == 1) return failures[0];
        var telling = failures.OrderBy(e => e.Failure is HandshakeFailure.UnsupportedAddress ? 2 : e.Failure is HandshakeFailure.TransportFailed or HandshakeFailure.TimedOut ? 1 : 0).First();
        var who = expected is null ? "No address led to a peer" : $"No address led to {expected}";
        return new HandshakeException(telling.Failure, $"{who}. {string.Join(" ", failures.Select(e => e.Message))}", telling);
    }
}
