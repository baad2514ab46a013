namespace Starling.Net.PubSub.Groups;

/// <summary>What the members of a node's groups share.</summary>
internal sealed record GroupWiring(PeerId Local, PubSubService Topics, TimeProvider Clock, RandomSource Random, GroupLog Log, GroupMetrics Metrics, Action<GroupMember> Left);
