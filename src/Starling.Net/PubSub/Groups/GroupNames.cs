using System.Text;

namespace Starling.Net.PubSub.Groups;

/// <summary>How the topics are named over which members of groups, and those who ask and answer, talk to each other.</summary>
internal static class GroupNames
{
    public const int MaxGroupName = 64;

    /// <summary>The control topic of a group. It begins with <c>$</c>, so no pattern means it, and is no pattern itself.</summary>
    public static Topic Control(Topic topic, string group) => Beside(topic, $"$group/{Escaped(group)}/{(topic.Kind == TopicKind.Plain ? "plain/" : "")}");

    /// <summary>The topic that requests for a topic's responders go to.</summary>
    public static Topic Requests(Topic topic) => Beside(topic, "$ask/");

    /// <summary>The topic that answers go to when the asker is no neighbour.</summary>
    public static Topic Replies(Topic topic) => Beside(topic, "$answer/");

    /// <exception cref="ArgumentException">The name is empty, too long or holds control characters.</exception>
    public static void CheckGroup(string group)
    {
        ArgumentException.ThrowIfNullOrEmpty(group);
        if (group.Length > MaxGroupName) throw new ArgumentException($"The group's name has {group.Length} characters; at most {MaxGroupName} are allowed.", nameof(group));
        if (group.Any(char.IsControl)) throw new ArgumentException("The group's name holds a control character; remove it.", nameof(group));
    }

    private static Topic Beside(Topic topic, string prefix)
    {
        var name = prefix + Escaped(topic.Name);
        return topic.Kind == TopicKind.Link ? Topic.Link(name, topic.Members!) : Topic.Stream(name);
    }

    /// <summary>Levels are parted by <c>/</c> instead, so that a star or a greater-than sign among them makes no pattern. Different names stay different.</summary>
    private static string Escaped(string name) => new StringBuilder(name).Replace("~", "~0").Replace("/", "~1").Replace('.', '/').ToString();
}
