using Starling.Protocols.Yamux;

namespace Starling.Net.Transport;

/// <summary>The limits of an <see cref="Upgrader"/>.</summary>
public sealed class UpgraderOptions
{
    /// <summary>Time from the raw connection to the multiplexed link. Default 10 s; a handshake takes about 4 ms of computing and four round trips.</summary>
    /// <remarks>A peer that says nothing, or a byte now and then, holds one of <see cref="ResourceBudgetOptions.MaxHandshakes"/> for so long.</remarks>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Limits of the multiplexer.</summary>
    public YamuxOptions Yamux { get; set; } = new();

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range; the message says which.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(HandshakeTimeout, TimeSpan.Zero, nameof(HandshakeTimeout));
        Yamux.Validate();
    }
}
