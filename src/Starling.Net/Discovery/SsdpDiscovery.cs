using System.Net;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>Finds nodes of the local network, Starling's and Nebula's, by the Nebula discovery: the shell of <see cref="SsdpCore"/>.</summary>
/// <remarks>What a Nebula node announces is where it listens, not who it is: whoever answers there first is held to his id.</remarks>
public sealed class SsdpDiscovery : MulticastDiscovery
{
    private static readonly IPAddress SsdpGroup = IPAddress.Parse("239.255.255.250");
    private readonly SsdpDiscoveryOptions _options;

    /// <summary>Creates a stopped discovery.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public SsdpDiscovery(DiscoveryContext context)
        : base(Checked(context), context.Options.Ssdp.BeaconInterval) => _options = context.Options.Ssdp;

    /// <inheritdoc/>
    public override string Name => "ssdp";

    internal override IPAddress Group => SsdpGroup;

    internal override int Port => _options.Port;

    internal override int TimeToLive => 2;

    internal override bool HasReplySocket => true;

    internal override int MaxQueuedPackets => _options.MaxQueuedPackets;

    private protected override IMulticastCore Core(IReadOnlyList<NetworkFace> faces) => new SsdpCore(
        Context.Self,
        _options,
        new IPEndPoint(SsdpGroup, Port),
        [.. faces.Select(one => new MulticastInterface(one.Address, one.PrefixLength))],
        Context.Random,
        !CanBeacon);
}
