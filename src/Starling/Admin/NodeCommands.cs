using System.Text.Json;
using Starling.Net.Links;
using Starling.Protocols.Links.Policy;

namespace Starling;

/// <summary>The commands of a node's admin socket.</summary>
internal sealed partial class NodeCommands(StarlingNode node)
{
    public IReadOnlyDictionary<string, AdminCommand> All => new Dictionary<string, AdminCommand>(StringComparer.Ordinal)
    {
        ["node"] = WriteNode,
        ["peers"] = WritePeers,
        ["topics"] = WriteTopics,
        ["block.add"] = AddBlockAsync,
        ["block.remove"] = RemoveBlockAsync,
        ["block.list"] = WriteBlocks,
    };

    private ValueTask WriteNode(JsonElement arguments, Utf8JsonWriter output, CancellationToken cancellationToken)
    {
        output.WriteStartObject();
        output.WriteString("peer", node.PeerId.ToString());
        output.WriteStartArray("addresses");
        foreach (var address in node.Addresses) output.WriteStringValue(address.ToString());
        output.WriteEndArray();
        output.WriteStartObject("budget");
        foreach (var kind in Enum.GetValues<ResourceKind>())
        {
            output.WriteStartObject(kind.ToString());
            output.WriteNumber("used", node.Budget.Used(kind));
            output.WriteNumber("limit", node.Budget.Limit(kind));
            output.WriteNumber("refused", node.Budget.Refused(kind));
            output.WriteEndObject();
        }

        output.WriteEndObject();
        output.WriteEndObject();
        return ValueTask.CompletedTask;
    }

    private ValueTask WritePeers(JsonElement arguments, Utf8JsonWriter output, CancellationToken cancellationToken)
    {
        output.WriteStartArray();
        foreach (var link in node.Links.OrderBy(link => link.Peer.ToString(), StringComparer.Ordinal)) WritePeer(link, node.LinkManager.Find(link.Peer), output);
        output.WriteEndArray();
        return ValueTask.CompletedTask;
    }

    private static void WritePeer(PeerLink link, LinkStanding? standing, Utf8JsonWriter output)
    {
        var traffic = link.Connection.Traffic;
        output.WriteStartObject();
        output.WriteString("peer", link.Peer.ToString());
        output.WriteString("name", link.Info.DisplayName);
        output.WriteString("agent", link.Info.AgentVersion);
        output.WriteString("address", link.Connection.RemoteAddress.ToString());
        output.WriteString("direction", link.Connection.Direction == Direction.Inbound ? "in" : "out");
        output.WriteString("kind", link.Kind == LinkKind.Direct ? "direct" : "transient");
        output.WriteString("priority", link.Priority.ToString());
        output.WriteString("health", link.Health.ToString());
        if (standing is not null)
        {
            output.WriteString("why", standing.Why);
            output.WriteBoolean("kept", standing.IsKept);
            output.WriteBoolean("protected", standing.Protections.Count > 0);
        }

        output.WriteString("security", link.Connection.Security);
        if (link.RoundTrip is { } trip)
        {
            output.WriteNumber("rttMs", Math.Round(trip.Smoothed.TotalMilliseconds, 3));
            output.WriteNumber("jitterMs", Math.Round(trip.Jitter.TotalMilliseconds, 3));
        }

        output.WriteNumber("ageSeconds", Math.Round(link.Age.TotalSeconds, 1));
        output.WriteNumber("bytesIn", traffic.BytesReceived);
        output.WriteNumber("bytesOut", traffic.BytesSent);
        output.WriteNumber("streams", link.Connection.StreamCount);
        output.WriteEndObject();
    }
}
