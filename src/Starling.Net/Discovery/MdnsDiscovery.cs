using System.Net;
using Starling.Protocols.Discovery;

namespace Starling.Net.Discovery;

/// <summary>Finds peers on the local link by multicast DNS and announces this node there: the shell of <see cref="MdnsCore"/>.</summary>
public sealed class MdnsDiscovery : MulticastDiscovery
{
    private static readonly IPAddress MdnsGroup = IPAddress.Parse("224.0.0.251");
    private readonly MdnsDiscoveryOptions _options;

    /// <summary>Creates a stopped discovery.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MdnsDiscovery(DiscoveryContext context)
        : base(Checked(context), context.Options.Mdns.BeaconInterval) => _options = context.Options.Mdns;

    /// <inheritdoc/>
    public override string Name => "mdns";

    internal override IPAddress Group => MdnsGroup;

    internal override int Port => _options.Port;

    internal override int TimeToLive => 255;

    internal override bool HasReplySocket => false;

    internal override int MaxQueuedPackets => _options.MaxQueuedPackets;

    private protected override IMulticastCore Core(IReadOnlyList<NetworkFace> faces) =>
        new MdnsCore(Context.Self, _options, [.. faces.Select(one => new MulticastInterface(one.Address))], Context.Random.Fork("mdns"), !CanBeacon);
}
