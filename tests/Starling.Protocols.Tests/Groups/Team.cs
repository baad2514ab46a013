using Starling.Protocols.Groups;

namespace Starling.Protocols.Tests.Groups;

/// <summary>One delivery to a handler.</summary>
internal sealed record Handled(int Member, ulong Number, int Attempt, bool IsRedelivered, Instant At);

/// <summary>A group on virtual time: members that hear each other after a latency, unless frames are lost, a partition stands or they are dead.</summary>
internal sealed class Team
{
    private readonly PriorityQueue<Action, (Instant At, long Order)> _events = new();
    private readonly Random _random;
    private readonly Dictionary<int, Seat> _seats = [];
    private long _order;
    private ulong _instances;

    public Team(int members, ulong seed = 1, GroupOptions? options = null)
    {
        Options = options ?? new GroupOptions();
#pragma warning disable RS0030 // Seeded, and the seed is named by every test that fails.
        _random = new Random((int)seed);
#pragma warning restore RS0030
        for (var i = 0; i < members; i++) Join(i);
    }

    public GroupOptions Options { get; }

    public Instant Now { get; private set; } = new(TimeSpan.FromDays(1).Ticks);

    public TimeSpan Latency { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Fraction of frames between two members that are lost.</summary>
    public double Loss { get; set; }

    /// <summary>Whether two members hear each other.</summary>
    public Func<int, int, bool> Hears { get; set; } = (_, _) => true;

    /// <summary>What a handler does: how long it takes, and whether it acknowledges at its end. Null: it never ends.</summary>
    public Func<Handled, (TimeSpan Takes, bool Acknowledges)?> Work { get; set; } = _ => (TimeSpan.FromMilliseconds(1), true);

    public List<Handled> Deliveries { get; } = [];

    public List<ulong> Completed { get; } = [];

    public List<(int Member, ulong Number)> TakenBack { get; } = [];

    public List<(int Member, ulong Number, int Attempts)> GivenUp { get; } = [];

    public List<ulong> Abandoned { get; } = [];

    public int Frames { get; private set; }

    public IEnumerable<int> Alive => _seats.Keys;

    public static PeerId Peer(int number) => PeerId.FromBytes([0x00, 0x04, .. BitConverter.GetBytes(number)]);

    public GroupCore<ulong> Core(int member) => _seats[member].Core;

    public GroupKey Key(ulong number, int origin = -1) => new(Peer(origin), 7, number);

    public void Join(int member)
    {
        var seat = new Seat(member, new GroupCore<ulong>(Peer(member), ++_instances, Options, Now));
        _seats.Add(member, seat);
        Run(seat, _ => { });
    }

    /// <summary>Ends a member without a word, as kill -9 does.</summary>
    public void Kill(int member) => _seats.Remove(member);

    public void Leave(int member)
    {
        var seat = _seats[member];
        Run(seat, effects => seat.Core.Drain(Now, effects));
        At(Now + Options.LeaveTimeout, () =>
        {
            if (_seats.GetValueOrDefault(member) == seat) Run(seat, effects => seat.Core.Release(Now, effects));
        });
        At(Now + Options.LeaveTimeout + TimeSpan.FromSeconds(0.5), () =>
        {
            if (_seats.GetValueOrDefault(member) != seat) return;
            Run(seat, effects => seat.Core.Leave(Now, effects));
            _seats.Remove(member);
        });
    }

    /// <summary>A message comes to every member, or to some.</summary>
    public void Publish(ulong number, int origin = -1, Func<int, bool>? reaches = null)
    {
        foreach (var seat in _seats.Values.ToList())
        {
            if (seat.Number == origin || reaches?.Invoke(seat.Number) == false) continue;
            At(Now + (Latency * (0.5 + _random.NextDouble())), () => Offer(seat, Key(number, origin), number));
        }
    }

    public GroupOffer Offer(int member, ulong number)
    {
        var outcome = GroupOffer.Known;
        Run(_seats[member], effects => outcome = _seats[member].Core.Offer(Key(number), 1, number, Now, effects));
        return outcome;
    }

    public void Say(int to, PeerId from, GroupFrame frame) => Run(_seats[to], effects => _seats[to].Core.Receive(from, frame, Now, effects));

    public void Act(int member, Action<GroupCore<ulong>, ICollection<GroupEffect<ulong>>> act) => Run(_seats[member], effects => act(_seats[member].Core, effects));

    public void Seconds(double seconds)
    {
        var until = Now + TimeSpan.FromSeconds(seconds);
        while (_events.TryPeek(out _, out var next) && next.At <= until)
        {
            var happens = _events.Dequeue();
            if (next.At > Now) Now = next.At;
            happens();
        }

        Now = until;
    }

    private void Offer(Seat seat, GroupKey key, ulong number)
    {
        if (_seats.GetValueOrDefault(seat.Number) != seat) return;
        var outcome = GroupOffer.Full;
        Run(seat, effects => outcome = seat.Core.Offer(key, 1, number, Now, effects));
        if (outcome == GroupOffer.Full) At(Now + TimeSpan.FromMilliseconds(10), () => Offer(seat, key, number));
    }

    private void Run(Seat seat, Action<List<GroupEffect<ulong>>> act)
    {
        List<GroupEffect<ulong>> effects = [];
        act(effects);
        foreach (var effect in effects) Do(seat, effect);
        if (_seats.GetValueOrDefault(seat.Number) != seat) return;
        var next = seat.Core.NextTick;
        if (next == Instant.Never || (seat.TickAt > Now && seat.TickAt <= next)) return;
        var at = next < Now ? Now : next;
        seat.TickAt = at;
        At(at, () =>
        {
            if (_seats.GetValueOrDefault(seat.Number) != seat || seat.TickAt != at) return;
            seat.TickAt = default;
            Run(seat, more => seat.Core.Tick(Now, more));
        });
    }

    private void Do(Seat seat, GroupEffect<ulong> effect)
    {
        switch (effect.Kind)
        {
            case GroupEffectKind.Send:
                Frames++;
                foreach (var other in _seats.Values.Where(other => other != seat)) Carry(seat, other, effect.Frame);
                break;
            case GroupEffectKind.Deliver:
                Handle(seat, effect);
                break;
            case GroupEffectKind.TakeBack:
                TakenBack.Add((seat.Number, effect.Item));
                break;
            case GroupEffectKind.GivenUp:
                GivenUp.Add((seat.Number, effect.Item, effect.Attempt));
                break;
            case GroupEffectKind.Abandoned:
                Abandoned.Add(effect.Item);
                break;
        }
    }

    private void Carry(Seat from, Seat to, ReadOnlyMemory<byte> frame)
    {
        if (_random.NextDouble() < Loss || !Hears(from.Number, to.Number)) return;
        At(Now + (Latency * (0.5 + _random.NextDouble())), () =>
        {
            if (_seats.GetValueOrDefault(to.Number) == to && Hears(from.Number, to.Number)) Run(to, effects => to.Core.Receive(Peer(from.Number), frame.Span, Now, effects));
        });
    }

    private void Handle(Seat seat, GroupEffect<ulong> effect)
    {
        var handled = new Handled(seat.Number, effect.Item, effect.Attempt, effect.IsRedelivered, Now);
        Deliveries.Add(handled);
        if (Work(handled) is not { } work) return;
        At(Now + work.Takes, () =>
        {
            if (_seats.GetValueOrDefault(seat.Number) != seat) return;
            if (work.Acknowledges) Completed.Add(effect.Item);
            Run(seat, effects => _ = work.Acknowledges ? seat.Core.Acknowledge(effect.Key, Now, effects) : seat.Core.Refuse(effect.Key, effect.Attempt, null, Now, effects));
        });
    }

    private void At(Instant at, Action act) => _events.Enqueue(act, (at, _order++));

    private sealed class Seat(int number, GroupCore<ulong> core)
    {
        public int Number { get; } = number;

        public GroupCore<ulong> Core { get; } = core;

        public Instant TickAt { get; set; }
    }
}
