using Starling.Protocols.Links;

namespace Starling.Protocols.Tests.Links;

public class LinkKindCoreTests
{
    private readonly List<LinkKindEffect> _effects = [];

    [Fact]
    public void A_proposal_is_accepted_and_both_ends_change()
    {
        var pair = new Pair(RandomSource.Seeded(1));
        pair.First.Propose(LinkKind.Direct);
        pair.Run();
        Assert.Equal((LinkKind.Direct, LinkKind.Direct), (pair.First.Core.Kind, pair.Second.Core.Kind));
        Assert.Equal([(true, "")], pair.First.Answers);
    }

    [Fact]
    public void A_refused_proposal_changes_nothing_and_says_why()
    {
        var pair = new Pair(RandomSource.Seeded(1)) { Refuse = (_, kind) => kind == LinkKind.Direct ? "enough neighbours" : null };
        pair.Second.Propose(LinkKind.Direct);
        pair.Run();
        Assert.Equal((LinkKind.Transient, LinkKind.Transient), (pair.First.Core.Kind, pair.Second.Core.Kind));
        Assert.Equal([(false, "enough neighbours")], pair.Second.Answers);
    }

    [Fact]
    public void Crossing_proposals_leave_both_ends_with_the_same_history()
    {
        for (var seed = 0ul; seed < 5000; seed++)
        {
            var random = RandomSource.Seeded(seed);
            var pair = new Pair(random.Fork("network")) { Refuse = (end, _) => end.Random.Next(4) == 0 ? "no" : null };
            for (var i = 0; i < 1 + random.Next(30); i++)
            {
                foreach (var end in new[] { pair.First, pair.Second })
                {
                    var kind = random.Next(2) == 0 ? LinkKind.Direct : LinkKind.Transient;
                    pair.Later(4000, () => end.Propose(kind));
                }
            }

            pair.Run();

            Assert.True(pair.First.History.SequenceEqual(pair.Second.History), $"seed {seed}: {string.Join(' ', pair.First.History)} and {string.Join(' ', pair.Second.History)}");
            Assert.True(pair.First.Core.Kind == pair.Second.Core.Kind, $"seed {seed}: the ends disagree");
            foreach (var end in new[] { pair.First, pair.Second })
            {
                Assert.True(end.Proposed == end.Answers.Count, $"seed {seed}: {end.Proposed} proposals and {end.Answers.Count} answers");
                Assert.False(end.Core.IsProposing);
            }
        }
    }

    [Fact]
    public void An_end_that_disagrees_on_the_way_is_never_more_than_its_open_proposal_behind()
    {
        for (var seed = 0ul; seed < 500; seed++)
        {
            var random = RandomSource.Seeded(seed);
            var pair = new Pair(random.Fork("network"));
            for (var i = 0; i < 40; i++) pair.Later(4000, () => (random.Next(2) == 0 ? pair.First : pair.Second).Propose(random.Next(2) == 0 ? LinkKind.Direct : LinkKind.Transient));
            pair.Run(() =>
            {
                var (one, other) = (pair.First.History, pair.Second.History);
                var shared = Math.Min(one.Count, other.Count);
                Assert.True(one.Take(shared).SequenceEqual(other.Take(shared)), $"seed {seed}");
                Assert.InRange(Math.Abs(one.Count - other.Count), 0, 2);
            });
        }
    }

    [Fact]
    public void An_answer_to_nothing_and_a_second_open_proposal_break_the_protocol()
    {
        var core = new LinkKindCore(goesFirst: true, LinkKind.Transient);
        Assert.False(core.Receive(new LinkFrame.Answer(true, ""), _ => null, _effects));
        Assert.Equal(LinkKind.Transient, core.Kind);

        core.Propose(LinkKind.Direct, _effects);
        Assert.Throws<InvalidOperationException>(() => core.Propose(LinkKind.Transient, _effects));
        Assert.True(core.Receive(new LinkFrame.Proposal(LinkKind.Direct), _ => null, _effects));
        Assert.False(core.Receive(new LinkFrame.Proposal(LinkKind.Direct), _ => null, _effects));
    }

    private sealed class Pair
    {
        private readonly RandomSource _random;
        private readonly PriorityQueue<Action, (long Due, long Order)> _events = new();
        private long _now;
        private long _order;

        public Pair(RandomSource random)
        {
            _random = random;
            First = new End(this, goesFirst: true, random.Fork("first"));
            Second = new End(this, goesFirst: false, random.Fork("second"));
        }

        public End First { get; }

        public End Second { get; }

        public Func<End, LinkKind, string?> Refuse { get; init; } = (_, _) => null;

        public void Later(int maxDelay, Action what) => At(_now + 1 + _random.Next(maxDelay), what);

        public void At(long due, Action what) => _events.Enqueue(what, (due, _order++));

        public void Run(Action? check = null)
        {
            while (_events.TryDequeue(out var next, out var at))
            {
                _now = at.Due;
                next();
                check?.Invoke();
            }
        }

        /// <summary>Takes a random time, but never overtakes what the same end sent before.</summary>
        public void Send(End from, LinkFrame frame)
        {
            var to = from == First ? Second : First;
            from.LastArrival = Math.Max(from.LastArrival, _now + 1 + _random.Next(1000));
            At(from.LastArrival, () => to.Receive(frame));
        }

        internal sealed class End(Pair pair, bool goesFirst, RandomSource random)
        {
            public RandomSource Random { get; } = random;

            public LinkKindCore Core { get; } = new(goesFirst, LinkKind.Transient);

            public List<LinkKind> History { get; } = [];

            public List<(bool Accepted, string Text)> Answers { get; } = [];

            public int Proposed { get; private set; }

            public long LastArrival { get; set; }

            public void Propose(LinkKind kind)
            {
                if (Core.IsProposing) return;
                Proposed++;
                var effects = new List<LinkKindEffect>();
                Core.Propose(kind, effects);
                CarryOut(effects);
            }

            public void Receive(LinkFrame frame)
            {
                var effects = new List<LinkKindEffect>();
                Assert.True(Core.Receive(frame, kind => pair.Refuse(this, kind), effects));
                CarryOut(effects);
            }

            private void CarryOut(List<LinkKindEffect> effects)
            {
                foreach (var effect in effects)
                {
                    if (effect is LinkKindEffect.Send send) pair.Send(this, send.Frame);
                    else if (effect is LinkKindEffect.Changed changed) History.Add(changed.Kind);
                    else if (effect is LinkKindEffect.Answered answered) Answers.Add((answered.Accepted, answered.Text));
                }
            }
        }
    }
}
