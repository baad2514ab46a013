using Starling.Protocols.Requests;

namespace Starling.Protocols.Tests.Requests;

public sealed class ServingCoreTests
{
    private static RequestFrame Call(ulong id, string name = "") => new() { Id = id, Kind = RequestFrameKind.Call, Name = System.Text.Encoding.UTF8.GetBytes(name) };

    private static RequestFrame Cancel(ulong id) => new() { Id = id, Kind = RequestFrameKind.Cancel };

    [Fact]
    public void A_call_without_name_is_for_the_handler_of_the_call_before()
    {
        var core = new ServingCore<object>(10);

        Assert.Equal(ServingStep.Begin, core.OnFrame(Call(1, "one")));
        Assert.Equal(ServingStep.Begin, core.OnFrame(Call(2)));
        Assert.Equal("one", core.Name);
        Assert.Equal(ServingStep.Begin, core.OnFrame(Call(7, "two")));
        Assert.Equal(("two", 3), (core.Name, core.Open));
        Assert.Equal(ServingStep.Violation, new ServingCore<object>(10).OnFrame(Call(1)));
    }

    [Fact]
    public void A_call_that_was_passed_over_names_the_handler_as_well()
    {
        var core = new ServingCore<object>(10);

        Assert.Equal(ServingStep.Refuse, core.OnOversized(Call(1, "large")));
        Assert.Equal(ServingStep.Begin, core.OnFrame(Call(2)));
        Assert.Equal("large", core.Name);
        Assert.Equal(ServingStep.Violation, core.OnOversized(Call(2, "large")));
    }

    [Fact]
    public void Only_an_open_call_is_cancelled_and_only_once_answered()
    {
        var core = new ServingCore<object>(10);
        var server = new object();
        core.OnFrame(Call(3, "one"));
        core.Serve(3, server);

        Assert.Equal(ServingStep.Cancel, core.OnFrame(Cancel(3)));
        Assert.True(core.TryEnd(3, out var by));
        Assert.Same(server, by);
        Assert.False(core.TryEnd(3, out _));
        Assert.Equal(ServingStep.Ignore, core.OnFrame(Cancel(3)));
        Assert.Equal(ServingStep.Ignore, core.OnFrame(Cancel(2)));
        Assert.Equal(ServingStep.Violation, core.OnFrame(Cancel(4)));
    }

    [Fact]
    public void Beyond_the_bound_calls_are_refused_until_others_end()
    {
        var core = new ServingCore<object>(2);
        core.OnFrame(Call(1, "one"));
        core.OnFrame(Call(2));

        Assert.Equal(ServingStep.Refuse, core.OnFrame(Call(3)));
        Assert.True(core.TryEnd(3, out _));
        core.TryEnd(1, out _);

        Assert.Equal(ServingStep.Begin, core.OnFrame(Call(4)));
    }

    [Fact]
    public void Seeded_sessions_never_have_more_open_than_began_and_end_with_none()
    {
        for (var seed = 0UL; seed < 200; seed++)
        {
            var random = RandomSource.Seeded(seed);
            var core = new ServingCore<object>(5);
            var open = new HashSet<ulong>();
            for (var step = 0; step < 200; step++)
            {
                var id = (ulong)random.Next(60);
                var isCall = random.Next(2) == 0;
                var took = core.OnFrame(isCall ? Call(id, "n") : Cancel(id));
                if (took is ServingStep.Begin or ServingStep.Refuse) Assert.True(open.Add(id), $"seed {seed}");
                if (took is ServingStep.Refuse or ServingStep.Cancel) Assert.True(core.TryEnd(id, out _) && open.Remove(id), $"seed {seed}");
                Assert.True(open.Count == core.Open && core.Open <= 5, $"seed {seed}");
            }

            Assert.Empty(core.EndAll());
            Assert.Equal(0, core.Open);
        }
    }

    [Fact]
    public void A_call_is_taken_once_and_late_answers_differ_from_false_ones()
    {
        var table = new CallTable<string>();
        var (one, two) = (table.Add("one"), table.Add("two"));

        Assert.True(table.Holds(one, "one"));
        Assert.True(table.TryTake(one, out _));
        Assert.False(table.TryTake(one, out _));
        Assert.False(table.Holds(one, "one"));
        Assert.True(table.WasMade(one));
        Assert.False(table.WasMade(0));
        Assert.False(table.WasMade(two + 1));
        Assert.Equal(["two"], table.TakeAll());
        Assert.Equal(0, table.Count);
    }
}
