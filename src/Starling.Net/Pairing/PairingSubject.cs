using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using Starling.Net.PubSub;
using Starling.Protocols.PubSub;
using Starling.Protocols.Spread;

namespace Starling.Net.Pairing;

/// <summary>By what subject the followers of a topic are searched for.</summary>
internal static class PairingSubject
{
    private const string Prefix = "topic:";
    private const string HashPrefix = "topic#";

    /// <summary>The wire name, so that patterns can be matched; its hash where it is too long, or where only members may know it.</summary>
    public static string Of(WireTopic topic)
    {
        if (topic.Family == TopicFamily.LibP2P && Encoding.UTF8.GetByteCount(topic.Name) <= SearchCodec.MaxSubjectBytes - Prefix.Length) return Prefix + topic.Name;
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{topic.Family}:{topic.Name}"));
        return HashPrefix + Convert.ToHexStringLower(hash);
    }

    /// <summary>The topic or pattern that a subject names, or null.</summary>
    public static string? NameIn(string subject) => subject.StartsWith(Prefix, StringComparison.Ordinal) ? subject[Prefix.Length..] : null;

    /// <summary>Whether who follows one is of interest to who follows the other: the same name, or a pattern that means the other.</summary>
    public static bool Meet(string one, string other) => one == other || TopicNames.Matches(one, other) || TopicNames.Matches(other, one);
}

/// <summary>What a node follows, ready to be compared with what others search for. Immutable.</summary>
internal sealed class FollowedSubjects
{
    private readonly FrozenDictionary<string, WireTopic> _subjects;
    private readonly string[] _patterns;
    private readonly string[] _names;

    public FollowedSubjects(IReadOnlyList<WireTopic> followed)
    {
        Followed = followed;
        _subjects = followed.ToFrozenDictionary(PairingSubject.Of, StringComparer.Ordinal);
        _names = [.. followed.Where(topic => topic.Family == TopicFamily.LibP2P).Select(topic => topic.Name)];
        _patterns = [.. _names.Where(TopicNames.IsPattern)];
    }

    public IReadOnlyList<WireTopic> Followed { get; }

    /// <summary>The topic that a query is about, if this node follows it, or a pattern that means it, or a topic that its pattern means.</summary>
    public WireTopic? Find(string subject)
    {
        if (_subjects.TryGetValue(subject, out var exact)) return exact;
        if (PairingSubject.NameIn(subject) is not { } name) return null;
        var candidates = TopicNames.IsPattern(name) ? _names : _patterns;
        var met = Array.Find(candidates, candidate => PairingSubject.Meet(candidate, name));
        return met is null ? null : new WireTopic(TopicFamily.LibP2P, met);
    }
}
