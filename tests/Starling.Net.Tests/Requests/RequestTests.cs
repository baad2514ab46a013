using System.Text;
using Starling.Net.Requests;
using Starling.Protocols.Requests;

namespace Starling.Net.Tests.Requests;

public sealed class RequestTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly RequestHandler Echo = static (request, _) => ValueTask.FromResult(request.Payload);

    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_is_answered_by_the_handler_of_its_name_which_sees_who_asks()
    {
        var (caller, server) = await RequestNode.PairAsync();
        await using var _ = caller;
        await using var __ = server;
        server.Requests.Handle("greet", (request, _) =>
        {
            Assert.Equal(caller.Id, request.Peer);
            Assert.Equal("greet", request.Name);
            return ValueTask.FromResult<ReadOnlyMemory<byte>>(Encoding.UTF8.GetBytes($"hello {Encoding.UTF8.GetString(request.Payload.Span)}"));
        });

        var reply = await CallAsync(caller, server, "greet", "you"u8.ToArray());

        Assert.Equal("hello you", Encoding.UTF8.GetString(reply.Span));
    }

    [Fact]
    public async Task Ten_thousand_calls_at_once_over_one_stream_each_get_their_own_answer()
    {
        var (caller, server) = await RequestNode.PairAsync();
        await using var _ = caller;
        await using var __ = server;
        server.Requests.Handle("echo", Echo);

        var calls = Enumerable.Range(0, 10_000).Select(async number =>
        {
            var reply = await caller.Requests.RequestAsync(server.Id, "echo", BitConverter.GetBytes(number), cancellationToken: TestEnd);
            Assert.Equal(number, BitConverter.ToInt32(reply.Span));
        });
        await Task.WhenAll(calls).WaitAsync(Patience, TestEnd);

        Assert.Equal(0, server.Requests.Serving);
    }

    [Fact]
    public async Task A_name_without_handler_is_an_error_that_names_it()
    {
        var (caller, server) = await RequestNode.PairAsync();
        await using var _ = caller;
        await using var __ = server;

        var error = await Assert.ThrowsAsync<RequestException>(() => CallAsync(caller, server, "nobody", default));

        Assert.Equal(RequestFailure.NoHandler, error.Failure);
        Assert.Contains("nobody", error.Message, StringComparison.Ordinal);
    }

    private static Task<ReadOnlyMemory<byte>> CallAsync(RequestNode caller, RequestNode server, string name, ReadOnlyMemory<byte> payload) =>
        caller.Requests.RequestAsync(server.Id, name, payload, cancellationToken: TestEnd).AsTask().WaitAsync(Patience, TestEnd);
}
