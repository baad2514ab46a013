using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>Names, port, intervals and limits of the Nebula discovery.</summary>
public sealed class SsdpDiscoveryOptions : SsdpOptions
{
    /// <summary>The UDP port. Default 1900, where Nebula is. Shared with every other node and UPnP program of the host.</summary>
    public int Port { get; set; } = 1900;

    /// <summary>Packets waiting to be looked at; more are dropped and counted. Default 256, at most 2 KB each.</summary>
    public int MaxQueuedPackets { get; set; } = 256;

    /// <inheritdoc/>
    public override void Check(OptionProblems problems)
    {
        base.Check(problems);
        problems.Within(Port, 1, 65535, nameof(Port));
        problems.Within(MaxQueuedPackets, 1, 65536, nameof(MaxQueuedPackets));
    }
}
