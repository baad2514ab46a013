using System.Text.Json;
using Starling.Net.PubSub;
using Starling.Protocols.PubSub;

namespace Starling;

/// <content>Topics.</content>
internal sealed partial class NodeCommands
{
    private ValueTask WriteTopics(JsonElement arguments, Utf8JsonWriter output, CancellationToken cancellationToken)
    {
        output.WriteStartArray();
        foreach (var topic in node.Topics.Status().OrderBy(topic => topic.Name, StringComparer.Ordinal)) WriteTopic(topic, output);
        output.WriteEndArray();
        return ValueTask.CompletedTask;
    }

    private static void WriteTopic(TopicStatus topic, Utf8JsonWriter output)
    {
        var isStream = TopicNames.IsStream(topic.Name);
        output.WriteStartObject();
        output.WriteString("topic", isStream ? topic.Name[TopicNames.StreamPrefix.Length..] : topic.Name);
        output.WriteString("kind", !isStream ? "plain" : topic.Protocol.StartsWith("/starling/", StringComparison.Ordinal) ? "link" : "stream");
        output.WriteBoolean("followed", topic.IsFollowed);
        output.WriteStartArray("followers");
        foreach (var peer in topic.Followers) output.WriteStringValue(peer.ToString());
        output.WriteEndArray();
        output.WriteStartArray("mesh");
        foreach (var peer in topic.Mesh)
        {
            output.WriteStartObject();
            output.WriteString("peer", peer.Peer.ToString());
            output.WriteNumber("score", Math.Round(peer.Score, 3));
            output.WriteEndObject();
        }

        output.WriteEndArray();
        output.WriteNumber("received", topic.Received);
        output.WriteNumber("sent", topic.Sent);
        output.WriteNumber("dropped", topic.Dropped);
        output.WriteNumber("receivedPerSecond", Math.Round(topic.ReceivedPerSecond, 2));
        output.WriteNumber("sentPerSecond", Math.Round(topic.SentPerSecond, 2));
        output.WriteEndObject();
    }
}
