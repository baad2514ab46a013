using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <content>What holds for each topic: members, relaying, validators.</content>
internal sealed partial class TopicRouter
{
    private readonly Dictionary<string, TopicRules> _rules = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ITopicValidator> _validators = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _relayed = new(StringComparer.Ordinal);
    private IReadOnlyList<WireTopic> _followed = [];

    /// <summary>The topics and patterns with sinks; another list whenever they change.</summary>
    public IReadOnlyList<WireTopic> Followed => Volatile.Read(ref _followed);

    /// <summary>Who may know of a topic; null for everybody.</summary>
    public IReadOnlySet<PeerId>? MembersOf(string topic)
    {
        using var turn = BeginTurn();
        return _rules.GetValueOrDefault(topic, TopicRules.Default).Members;
    }

    public void Admit(string topic, IReadOnlySet<PeerId> members) => ChangeRules(topic, rules => rules with { Members = members.ToHashSet() });

    public IDisposable Relay(string topic)
    {
        using var turn = BeginTurn();
        ObjectDisposedException.ThrowIf(_stopped, typeof(PubSubService));
        var count = _relayed.GetValueOrDefault(topic);
        if (count == 0) ChangeRules(topic, rules => rules with { Relay = true });
        _relayed[topic] = count + 1;
        return new Ending(() => EndRelay(topic));
    }

    public IDisposable Validate(string topic, ITopicValidator validator)
    {
        using var turn = BeginTurn();
        if (!_validators.TryAdd(topic, validator)) throw new InvalidOperationException($"The topic '{topic}' has a validator already; dispose that one first.");
        RefreshValidated(topic);
        return new Ending(() => EndValidation(topic));
    }

    private void NoteFollowed() => Volatile.Write(ref _followed, [.. _topics.Keys.Select(topic => new WireTopic(Family, topic))]);

    private void EndRelay(string topic)
    {
        using var turn = BeginTurn();
        if (--_relayed[topic] > 0) return;
        _relayed.Remove(topic);
        ChangeRules(topic, rules => rules with { Relay = false });
    }

    private void EndValidation(string topic)
    {
        using var turn = BeginTurn();
        if (_validators.Remove(topic)) RefreshValidated(topic);
    }

    /// <summary>A validator has come or gone: says of its topic, or of the topics that its pattern matches, whether they have one.</summary>
    private void RefreshValidated(string changed)
    {
        string[] matched = TopicNames.IsPattern(changed) ? [.. _topics.Keys.Union(_rules.Keys, StringComparer.Ordinal).Where(topic => TopicNames.Matches(changed, topic))] : [];
        foreach (var topic in matched.Append(changed)) ChangeRules(topic, rules => rules with { IsValidated = FindValidator(topic) is not null });
    }

    private void ChangeRules(string topic, Func<TopicRules, TopicRules> change)
    {
        using var turn = BeginTurn();
        if (_stopped) return;
        var rules = change(_rules.GetValueOrDefault(topic, TopicRules.Default));
        Core.SetTopicRules(topic, rules, Clock.Now(), _effects);
        Board.SetMembers(topic, rules.Members);
        if (rules == TopicRules.Default) _rules.Remove(topic);
        else _rules[topic] = rules;
    }

    /// <summary>Ends something, once.</summary>
    private sealed class Ending(Action end) : IDisposable
    {
        private Action? _end = end;

        public void Dispose() => Interlocked.Exchange(ref _end, null)?.Invoke();
    }
}
