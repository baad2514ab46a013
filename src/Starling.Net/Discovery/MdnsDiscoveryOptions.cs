using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>Names, port, intervals and limits of multicast DNS.</summary>
public sealed class MdnsDiscoveryOptions : MdnsOptions
{
    /// <summary>The UDP port. Default 5353, where every other implementation is. Shared with every other node and mDNS responder of the host.</summary>
    public int Port { get; set; } = 5353;

    /// <summary>Packets waiting to be looked at; more are dropped and counted. Default 256, at most 9 KB each.</summary>
    public int MaxQueuedPackets { get; set; } = 256;

    /// <inheritdoc/>
    public override void Check(OptionProblems problems)
    {
        base.Check(problems);
        problems.Within(Port, 1, 65535, nameof(Port));
        problems.Within(MaxQueuedPackets, 1, 65536, nameof(MaxQueuedPackets));
    }
}
