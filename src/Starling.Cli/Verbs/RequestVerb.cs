using System.CommandLine;
using System.Text;
using System.Text.Json;
using Starling.Net.Requests;

namespace Starling.Cli.Verbs;

/// <summary>Calls a handler of a peer and prints what it answers.</summary>
internal sealed class RequestVerb : Verb
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly Argument<Multiaddr> _address = Common.Address();
    private readonly Argument<string> _name = new("NAME") { Description = "Name of the handler. Every node serves starling.ping, which sends the data back, and starling.status." };
    private readonly Option<string?> _data = new("--data") { Description = "Payload of the request, as text. Default: what is piped in, or nothing.", HelpName = "TEXT" };
    private readonly Option<TimeSpan?> _timeout = Common.Seconds("--timeout", "For how long to wait for the answer. Default 30.");
    private readonly Option<string?> _identity = Common.Identity();
    private readonly Option<bool> _json = Common.Json("the answer, or each item of a streamed one,");

    public RequestVerb(Output output)
        : base(
            "request",
            "Link with a peer, call one of its handlers and print the answer; a streamed answer item by item, one a line.",
            """
            starling request 127.0.0.1:4001 starling.status
            starling request 127.0.0.1:4001 greet --data '{"name":"ada"}' --json
            """,
            output)
    {
        Add(_address);
        Add(_name);
        Add(_data);
        Add(_timeout);
        Add(_identity);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var name = arguments.GetRequiredValue(_name);
        var json = arguments.GetValue(_json);
        var payload = await PayloadAsync(arguments.GetValue(_data), cancellationToken).ConfigureAwait(false);
        var setup = new NodeSetup
        {
            Connect = [arguments.GetRequiredValue(_address)],
            Identity = arguments.GetValue(_identity),
            Verbose = arguments.GetValue<bool>("--verbose"),
        };
        await using var node = await setup.StartAsync(cancellationToken).ConfigureAwait(false);
        var peer = (await setup.ConnectAsync(node, cancellationToken).ConfigureAwait(false))[0].Peer;

        var number = 0;
        var started = TimeProvider.System.GetTimestamp();
        try
        {
            // A handler that answers once gives a sequence of one.
            var timeout = arguments.GetValue(_timeout) ?? TimeSpan.FromSeconds(30);
            await foreach (var item in node.Requests.StreamAsync(peer, name, payload, timeout, cancellationToken).ConfigureAwait(false))
            {
                number++;
                var time = TimeProvider.System.GetElapsedTime(started);
                if (json) Output.Json(line => Write(line, peer, name, number, item, time));
                else Output.Data(item.Span);
                Output.Flush();
            }
        }
        catch (RequestException error) when (json)
        {
            Output.Json(line => WriteFailure(line, peer, name, error));
            return Output.Fail(Describe(error));
        }
        catch (RequestException error)
        {
            return Output.Fail(Describe(error));
        }

        return Tool.Done;
    }

    private static async Task<byte[]> PayloadAsync(string? data, CancellationToken cancellationToken)
    {
        if (data is not null) return Encoding.UTF8.GetBytes(data);
        if (!Console.IsInputRedirected) return [];
        using var piped = new MemoryStream();
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[64 << 10];
        var most = new RequestServiceOptions().MaxPayloadBytes;
        while (await input.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and var count)
        {
            piped.Write(buffer, 0, count);
            if (piped.Length > most) throw new StarlingException($"standard input has more than {most} bytes, the most that a request carries");
        }

        return piped.ToArray();
    }

    private static string Describe(RequestException error) => $"{error.Failure}: {error.Message}";

    private static void Write(Utf8JsonWriter json, PeerId peer, string name, int number, ReadOnlyMemory<byte> item, TimeSpan time)
    {
        json.WriteString("peer", peer.ToString());
        json.WriteString("name", name);
        json.WriteNumber("number", number);
        json.WriteNumber("bytes", item.Length);
        json.WriteNumber("milliseconds", Math.Round(time.TotalMilliseconds, 4));
        WritePayload(json, item);
    }

    /// <summary>As text where it is text, so that a reader can look at it, else in base 64.</summary>
    private static void WritePayload(Utf8JsonWriter json, ReadOnlyMemory<byte> item)
    {
        try
        {
            json.WriteString("text", StrictUtf8.GetString(item.Span));
        }
        catch (DecoderFallbackException)
        {
            json.WriteBase64String("base64", item.Span);
        }
    }

    private static void WriteFailure(Utf8JsonWriter json, PeerId peer, string name, RequestException error)
    {
        json.WriteString("peer", peer.ToString());
        json.WriteString("name", name);
        json.WriteString("failure", error.Failure.ToString());
        json.WriteString("message", error.Message);
    }
}
