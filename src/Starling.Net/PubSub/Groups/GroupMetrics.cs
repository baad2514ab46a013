using System.Diagnostics.Metrics;
using Starling.Protocols.Groups;

namespace Starling.Net.PubSub.Groups;

/// <summary>The instruments of queue groups: meter <c>Starling.Groups</c>.</summary>
internal sealed class GroupMetrics : IDisposable
{
    public const string MeterName = "Starling.Groups";
    private static readonly GroupCount[] Counts = Enum.GetValues<GroupCount>();
    private readonly Lock _gate = new();
    private readonly List<GroupMember> _members = [];
    private readonly long[] _past = new long[Counts.Length];
    private readonly Meter _meter;
    private long _unsent;

    public GroupMetrics(IMeterFactory? factory)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _meter.CreateObservableCounter("starling.group.messages", Messages, "{event}", "What happened to messages of queue groups here, by event.");
        _meter.CreateObservableCounter("starling.group.frames.unsent", () => Interlocked.Read(ref _unsent), "{frame}", "What this node could not tell the other members of a group.");
        _meter.CreateObservableUpDownCounter("starling.group.pending", () => Sum(member => member.Pending), "{message}", "Messages of queue groups that are kept until they are handled.");
        _meter.CreateObservableUpDownCounter("starling.group.memberships", () => Sum(_ => 1), "{group}", "Queue groups that this node takes part in.");
    }

    /// <summary>How often this happened in all groups of this node.</summary>
    public long Of(GroupCount what)
    {
        lock (_gate) return _past[(int)what] + _members.Sum(member => member.Counters.Of(what));
    }

    public void Unsent() => Interlocked.Increment(ref _unsent);

    public void Add(GroupMember member)
    {
        lock (_gate) _members.Add(member);
    }

    public void Remove(GroupMember member)
    {
        lock (_gate)
        {
            if (!_members.Remove(member)) return;
            foreach (var what in Counts) _past[(int)what] += member.Counters.Of(what);
        }
    }

    public void Dispose() => _meter.Dispose();

    private long Sum(Func<GroupMember, long> of)
    {
        lock (_gate) return _members.Sum(of);
    }

    private IEnumerable<Measurement<long>> Messages() => Counts.Select(what => new Measurement<long>(Of(what), new KeyValuePair<string, object?>("event", what.ToString())));
}
