using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Starling.Interop.Tests.Support;

/// <summary>A js-libp2p node in a process of its own, driven by the JSON lines that <c>js/peer.mjs</c> describes.</summary>
internal sealed class JsPeer : IAsyncDisposable
{
    /// <summary>The protocol whose server reads to the end and answers with the count of bytes and their SHA-256.</summary>
    public const string Sink = "/starling-interop/sink/1.0.0";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly JsonProcess _process;
    private readonly IReadOnlyList<string> _line;
    private readonly JsonObject _start;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _asked = new();
    private int _lastId;
    private string _key = "";

    private JsPeer(IReadOnlyList<string> line, JsonObject start)
    {
        (_line, _start) = (line, start);
        _process = new JsonProcess(line, JsPackages.Folder, OnAnswer);
    }

    /// <summary>The peer's id, once started.</summary>
    public PeerId Id { get; private set; } = null!;

    /// <summary>Where it listens, with its id.</summary>
    public string FullAddress { get; private set; } = "";

    /// <summary>Where it listens, without its id.</summary>
    public string Address => FullAddress[..FullAddress.IndexOf("/p2p/", StringComparison.Ordinal)];

    /// <summary>Starts a peer, or skips the test where there can be none.</summary>
    /// <param name="security">Its security protocols: "tls", "noise" or both, comma between.</param>
    /// <param name="earlyMuxer">Whether the handshake agrees on the multiplexer; otherwise multistream-select does.</param>
    /// <param name="discover">Whether it runs mDNS. Only inside a network namespace.</param>
    /// <param name="within">A command and its arguments that the process runs under, such as one that enters a network namespace.</param>
    public static async Task<JsPeer> StartAsync(
        string security = "tls", bool earlyMuxer = true, bool discover = false, params IReadOnlyList<string> within)
    {
        await JsPackages.RequireAsync();
        return await StartAsync([.. within, JsPackages.Node, "peer.mjs"], new JsonObject
        {
            ["security"] = new JsonArray([.. security.Split(',').Select(name => (JsonNode)name)]),
            ["earlyMuxer"] = earlyMuxer,
            ["discover"] = discover,
        });
    }

    /// <summary>Starts the peer once more, in a new process with the key and the port that it had. The old process must have ended.</summary>
    public Task<JsPeer> StartAgainAsync()
    {
        var start = (JsonObject)_start.DeepClone();
        start["key"] = _key;
        start["listen"] = new JsonArray(Address);
        return StartAsync(_line, start);
    }

    /// <summary>Ends its process without a word to anybody, as kill -9 does.</summary>
    public Task KillAsync() => _process.KillAsync();

    /// <summary>Has it close its links and stop, and waits for the end of its process.</summary>
    public async Task StopAsync()
    {
        await AskAsync("stop");
        await _process.Ended.WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    private static async Task<JsPeer> StartAsync(IReadOnlyList<string> line, JsonObject start)
    {
        var peer = new JsPeer(line, start);
        try
        {
            var started = await peer.AskAsync("start", (JsonObject)start.DeepClone());
            peer.Id = PeerId.Parse(started.GetProperty("peer").GetString()!);
            peer.FullAddress = started.GetProperty("addresses")[0].GetString()!;
            peer._key = started.GetProperty("key").GetString()!;
            return peer;
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends a command and returns what it was answered.</summary>
    /// <exception cref="JsPeerException">The peer answered with an error, or ended.</exception>
    public async Task<JsonElement> AskAsync(string command, JsonObject? arguments = null)
    {
        var id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[id] = answer;
        var line = arguments ?? [];
        line["id"] = id;
        line["do"] = command;
        await _process.SayAsync(line.ToJsonString());
        await Task.WhenAny(answer.Task, _process.Ended).WaitAsync(Patience, TestContext.Current.CancellationToken);
        answer.TrySetException(new JsPeerException($"The peer ended during '{command}'. {_process.Complaints}"));
        return await answer.Task;
    }

    /// <summary>The first event of this name that matches, from the start of the peer on.</summary>
    public Task<JsonElement> EventAsync(string name, Predicate<JsonElement>? match = null) => _process.EventAsync(name, match);

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private void OnAnswer(JsonElement message)
    {
        if (!_asked.TryRemove(message.GetProperty("id").GetInt32(), out var asked)) return;
        if (message.TryGetProperty("ok", out var ok)) asked.TrySetResult(ok);
        else asked.TrySetException(new JsPeerException(message.GetProperty("error").GetString()!));
    }
}

/// <summary>What the JavaScript peer said went wrong.</summary>
internal sealed class JsPeerException(string message) : Exception(message);
