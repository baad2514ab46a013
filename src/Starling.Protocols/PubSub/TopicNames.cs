namespace Starling.Protocols.PubSub;

/// <summary>How topics are named on the wire, and which of them a pattern means.</summary>
/// <remarks>Names have levels with a <c>.</c> between them. In a pattern <c>*</c> stands for one whole level and <c>&gt;</c>, as the last level, for one or
/// more. A pattern is announced to neighbours as if it were a topic's name.</remarks>
public static class TopicNames
{
    /// <summary>What the gossip topic of a stream topic begins with, so that a plain subscriber never meets an envelope.</summary>
    public const string StreamPrefix = "/starling/stream/";

    /// <summary>The gossip topic that carries a topic.</summary>
    public static string ToWire(string name, bool isStream)
    {
        ArgumentNullException.ThrowIfNull(name);
        return isStream ? StreamPrefix + name : name;
    }

    /// <summary>Whether a gossip topic carries a stream topic.</summary>
    public static bool IsStream(string wireName)
    {
        ArgumentNullException.ThrowIfNull(wireName);
        return wireName.StartsWith(StreamPrefix, StringComparison.Ordinal);
    }

    /// <summary>Whether a name, on the wire or not, is a pattern: one of its levels is <c>*</c>, or its last one is <c>&gt;</c>.</summary>
    public static bool IsPattern(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!name.AsSpan().ContainsAny('*', '>')) return false;
        var levels = new Levels(WithoutPrefix(name, out _));
        while (levels.TryTake(out var level))
        {
            if (level is "*" || (levels.AtEnd && level is ">")) return true;
        }

        return false;
    }

    /// <summary>Whether a pattern means a topic; both on the wire, or both not. A pattern never means another pattern, nor a plain one a stream topic,
    /// nor a name that begins with <c>$</c>, which is kept for what nodes tell each other, unless it begins so itself.</summary>
    public static bool Matches(string pattern, string name)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        ArgumentNullException.ThrowIfNull(name);
        var wanted = new Levels(WithoutPrefix(pattern, out var wantsStream));
        var given = new Levels(WithoutPrefix(name, out var isStream));
        if (wantsStream != isStream || !IsPattern(pattern) || IsPattern(name)) return false;
        if (given.Starts('$') && !wanted.Starts('$')) return false;
        while (wanted.TryTake(out var level))
        {
            if (!given.TryTake(out var found)) return false;
            if (wanted.AtEnd && level is ">") return true;
            if (level is not "*" && !level.SequenceEqual(found)) return false;
        }

        return given.AtEnd;
    }

    private static ReadOnlySpan<char> WithoutPrefix(string name, out bool isStream)
    {
        isStream = name.StartsWith(StreamPrefix, StringComparison.Ordinal);
        return isStream ? name.AsSpan(StreamPrefix.Length) : name;
    }

    /// <summary>The levels of a name, one by one; there is always one, if only an empty one.</summary>
    private ref struct Levels(ReadOnlySpan<char> name)
    {
        private readonly ReadOnlySpan<char> _name = name;
        private int _at;

        public readonly bool AtEnd => _at > _name.Length;

        public readonly bool Starts(char letter) => _name.StartsWith(letter);

        public bool TryTake(out ReadOnlySpan<char> level)
        {
            level = default;
            if (AtEnd) return false;
            level = _name[_at..];
            var dot = level.IndexOf('.');
            if (dot >= 0) level = level[..dot];
            _at += level.Length + 1;
            return true;
        }
    }
}
