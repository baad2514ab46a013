using System.Text.Json.Serialization;

namespace Starling.Net.Requests;

/// <summary>What a node says of itself when asked. Claims; only who says it is proved by the link.</summary>
public sealed record NodeStatus
{
    /// <summary>The display name, or null.</summary>
    public string? Name { get; init; }

    /// <summary>Whether the node serves requests: true unless it is about to stop.</summary>
    public bool Serving { get; init; }

    /// <summary>Whether it is trying to get back a link that it lost; null when not told.</summary>
    public bool? Reconnecting { get; init; }

    /// <summary>The topics on which it is paired with somebody; null when not told.</summary>
    public IReadOnlyList<string>? PairedTopics { get; init; }

    /// <summary>The round of a federation that it is in; null when not told.</summary>
    public long? Round { get; init; }

    /// <summary>Whatever else the application tells; null when nothing.</summary>
    public IReadOnlyDictionary<string, string>? More { get; init; }
}

/// <summary>The status as JSON without reflection.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NodeStatus))]
internal sealed partial class NodeStatusJson : JsonSerializerContext;
