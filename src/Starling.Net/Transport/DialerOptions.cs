namespace Starling.Net.Transport;

/// <summary>The limits of a <see cref="Dialer"/>.</summary>
public sealed class DialerOptions
{
    /// <summary>Time for one address, from the first packet to the multiplexed link, and before that for looking up its name. Default 15 s.</summary>
    public TimeSpan DialTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long an address is tried alone before the next one is tried beside it (RFC 8305, section 5). Default 250 ms.</summary>
    /// <remarks>An address that fails earlier makes room for the next at once.</remarks>
    public TimeSpan Stagger { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Addresses tried in one dial, names resolved. Default 16; the rest is left out.</summary>
    public int MaxAddresses { get; set; } = 16;

    /// <summary>How names become addresses. Default: the system's resolver.</summary>
    public NameLookup Lookup { get; set; } = new TcpTransportOptions().Lookup;

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range; the message says which.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(DialTimeout, TimeSpan.Zero, nameof(DialTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThan(Stagger, TimeSpan.Zero, nameof(Stagger));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxAddresses, nameof(MaxAddresses));
    }
}
