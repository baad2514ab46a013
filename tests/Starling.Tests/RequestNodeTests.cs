using Starling.Net.Requests;
using Starling.Protocols.Requests;

namespace Starling.Tests;

public sealed class RequestNodeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Nodes_call_each_other_by_name_with_bytes_values_and_streams()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync();
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);
        b.HandleRequest("upper", static (request, _) => ValueTask.FromResult<ReadOnlyMemory<byte>>(ToUpper(request.Payload.Span)));
        b.HandleRequest<Question, Answer>("age", static (question, _, _) => ValueTask.FromResult(new Answer(question.Name.Length)));
        b.Requests.HandleStream<Question, Answer>("countdown", static (question, _, cancelled) => CountdownAsync(question, cancelled));

        var upper = await a.RequestAsync(b.PeerId, "upper", "abc"u8.ToArray());
        var answer = await a.RequestAsync<Question, Answer>(b.PeerId, "age", new Question("ada"), timeout: TimeSpan.FromSeconds(5));
        var steps = new List<int>();
        await foreach (var step in a.Requests.StreamAsync<Question, Answer>(b.PeerId, "countdown", new Question("ada"))) steps.Add(step!.Value);

        Assert.Equal("ABC"u8.ToArray(), upper.ToArray());
        Assert.Equal(new Answer(3), answer);
        Assert.Equal([3, 2, 1], steps);
    }

    [Fact]
    public async Task A_node_is_pinged_with_a_payload_and_tells_its_name_and_that_it_serves()
    {
        await using var a = await StarlingNode.StartAsync();
        await using var b = await StarlingNode.StartAsync(new StarlingOptions { DisplayName = "bob" });
        await a.ConnectAsync(b.Addresses[0]).WaitAsync(Patience);

        Assert.True(await a.PingWithPayloadAsync(b.PeerId, 1000).WaitAsync(Patience) > TimeSpan.Zero);
        Assert.Equal(new NodeStatus { Name = "bob", Serving = true }, await a.StatusAsync(b.PeerId).WaitAsync(Patience));

        b.Status = peer => peer == a.PeerId ? null : new NodeStatus { Serving = true };
        var refused = await Assert.ThrowsAsync<RequestException>(() => a.StatusAsync(b.PeerId).WaitAsync(Patience));
        Assert.Equal(RequestFailure.Refused, refused.Failure);
    }

    [Fact]
    public async Task The_whole_status_tells_paired_topics_and_a_link_that_is_being_made_again()
    {
        await using var a = await StarlingNode.StartAsync(new StarlingOptions { DisplayName = "alice" });
        await using var b = await StarlingNode.StartAsync();
        await using var lost = await StarlingNode.StartAsync();
        a.Status = _ => a.PresentStatus;
        await b.ConnectAsync(a.Addresses[0]).WaitAsync(Patience);
        await using var news = await a.SubscribeAsync("news");
        await using var alone = await a.SubscribeAsync("alone");
        await using var theirs = await b.SubscribeAsync("news");
        await a.WaitForSubscribersAsync("news").WaitAsync(Patience);

        var status = await b.StatusAsync(a.PeerId).WaitAsync(Patience);
        Assert.Equal(("alice", true, false), (status.Name, status.Serving, status.Reconnecting));
        Assert.Equal(["news"], status.PairedTopics!);

        await a.ConnectAsync(lost.Addresses[0]).WaitAsync(Patience);
        var again = a.EventsAsync().FirstAsync(happened => happened is NodeEvent.Reconnecting);
        await lost.DisposeAsync();
        await again.AsTask().WaitAsync(Patience);
        Assert.True((await b.StatusAsync(a.PeerId).WaitAsync(Patience)).Reconnecting);
    }

    [Fact]
    public async Task A_wrong_option_of_requests_is_named()
    {
        var error = await Assert.ThrowsAsync<StarlingException>(() => StarlingNode.StartAsync(new StarlingOptions { Requests = { MaxPayloadBytes = 10, Timeout = TimeSpan.Zero } }));

        Assert.Contains("Requests:MaxPayloadBytes: '10'", error.Message, StringComparison.Ordinal);
        Assert.Contains("Requests:Timeout", error.Message, StringComparison.Ordinal);
    }

    private static byte[] ToUpper(ReadOnlySpan<byte> text)
    {
        var upper = text.ToArray();
        for (var at = 0; at < upper.Length; at++) upper[at] = (byte)char.ToUpperInvariant((char)upper[at]);
        return upper;
    }

    private static async IAsyncEnumerable<Answer> CountdownAsync(Question question, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancelled)
    {
        for (var left = question.Name.Length; left > 0; left--)
        {
            yield return new Answer(left);
            await Task.Yield();
            cancelled.ThrowIfCancellationRequested();
        }
    }

    internal sealed record Question(string Name);

    internal sealed record Answer(int Value);
}
