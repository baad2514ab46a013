using System.Diagnostics;
using System.Text.Json.Serialization;
using Starling.Net.Requests;
using Starling.Protocols.Requests;

namespace Starling.Net.Tests.Requests;

public sealed partial class TypedRequestTests
{
    private static readonly JsonPayloadSerializer Generated = new(SumJson.Default);

    [Theory, InlineData(true), InlineData(false)]
    public async Task Values_go_both_ways_by_reflection_and_by_a_generated_context(bool generated)
    {
        await using var pair = await RequestPair.StartAsync();
        var serializer = generated ? Generated : null;
        pair.Server.Requests.Handle<Sum, Total>("add", static (sum, _, _) => ValueTask.FromResult(new Total(sum.Numbers.Sum())), serializer);

        var total = await pair.Caller.Requests.RequestAsync<Sum, Total>(pair.Server.Id, "add", new Sum([1, 2, 39]), serializer: serializer).AsTask().WaitAsync(RequestPair.Patience);

        Assert.Equal(new Total(42), total);
    }

    [Fact]
    public async Task Values_are_streamed()
    {
        await using var pair = await RequestPair.StartAsync();
        pair.Server.Requests.HandleStream<Sum, Total>("each", static (sum, _, _) => sum.Numbers.Select(number => new Total(number)).ToAsyncEnumerable());

        List<Total?> read = [];
        await foreach (var total in pair.Caller.Requests.StreamAsync<Sum, Total>(pair.Server.Id, "each", new Sum([5, 6]))) read.Add(total);

        Assert.Equal([new Total(5), new Total(6)], read);
    }

    [Fact]
    public async Task A_payload_of_another_shape_is_an_error_with_the_bytes_on_either_side_and_the_link_stays()
    {
        await using var pair = await RequestPair.StartAsync();
        var called = false;
        pair.Server.Requests.Handle<Sum, Total>("add", (_, _, _) =>
        {
            called = true;
            return ValueTask.FromResult(new Total(0));
        });
        pair.Server.Requests.Handle("echo", RequestTests.Echo);

        foreach (var payload in new[] { "no json"u8.ToArray(), "null"u8.ToArray(), [], "[1]"u8.ToArray() })
        {
            var refused = await Assert.ThrowsAsync<RequestException>(() => pair.CallAsync("add", payload));
            Assert.Equal(RequestFailure.Malformed, refused.Failure);
        }

        var odd = await Assert.ThrowsAsync<RequestException>(() => pair.Caller.Requests.RequestAsync<string, Total>(pair.Server.Id, "echo", "text").AsTask());
        Assert.Equal(RequestFailure.Malformed, odd.Failure);
        Assert.Equal("\"text\""u8.ToArray(), odd.Reply.ToArray());
        Assert.False(called);
        Assert.Equal(1, (await pair.CallAsync("echo", new byte[] { 1 })).Span[0]);
    }

    [Fact]
    public async Task Every_node_answers_pings_of_any_size_up_to_its_bound()
    {
        await using var pair = await RequestPair.StartAsync(server: options => options.MaxPingBytes = 20_000);

        foreach (var size in new[] { 0, 1, 1_000, 20_000 })
        {
            Assert.True(await pair.Caller.Requests.PingAsync(pair.Server.Id, size, RandomSource.System) > TimeSpan.Zero);
        }

        foreach (var size in new[] { 20_001, 70_000 })
        {
            var error = await Assert.ThrowsAsync<RequestException>(() => pair.Caller.Requests.PingAsync(pair.Server.Id, size, RandomSource.System));
            Assert.Equal(RequestFailure.TooLarge, error.Failure);
        }
    }

    [Fact]
    public async Task A_node_tells_each_peer_what_it_chooses_of_its_status()
    {
        await using var pair = await RequestPair.StartAsync();
        Assert.Equal(new NodeStatus { Serving = true }, await pair.Caller.Requests.StatusAsync(pair.Server.Id));

        pair.Server.Requests.Status = peer => peer == pair.Caller.Id
            ? new NodeStatus { Name = "server", Serving = true, Reconnecting = false, PairedTopics = ["news"], Round = 3, More = new Dictionary<string, string> { ["role"] = "trainer" } }
            : null;
        var told = await pair.Caller.Requests.StatusAsync(pair.Server.Id);
        Assert.Equal(("server", true, false, 3L), (told.Name, told.Serving, told.Reconnecting, told.Round));
        Assert.Equal("news", Assert.Single(told.PairedTopics!));
        Assert.Equal("trainer", told.More!["role"]);

        pair.Server.Requests.Status = static _ => null;
        var refused = await Assert.ThrowsAsync<RequestException>(() => pair.Caller.Requests.StatusAsync(pair.Server.Id));
        Assert.Equal(RequestFailure.Refused, refused.Failure);
    }

    [Fact]
    public async Task The_trace_of_a_call_continues_in_its_handler()
    {
        await using var pair = await RequestPair.StartAsync();
        var ended = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Tracing.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        Activity? seen = null;
        pair.Server.Requests.Handle("trace me", (_, _) =>
        {
            seen = Activity.Current;
            return default;
        });

        await pair.CallAsync("trace me");

        var client = Assert.Single(ended, activity => activity.Kind == ActivityKind.Client && activity.OperationName == "request trace me");
        Assert.NotNull(seen);
        Assert.Equal((ActivityKind.Server, client.TraceId, client.SpanId), (seen.Kind, seen.TraceId, seen.ParentSpanId));
    }

    internal sealed record Sum(int[] Numbers);

    internal sealed record Total(int Value);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(Sum))]
    [JsonSerializable(typeof(Total))]
    private sealed partial class SumJson : JsonSerializerContext;
}
