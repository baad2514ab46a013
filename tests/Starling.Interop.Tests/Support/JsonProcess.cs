using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace Starling.Interop.Tests.Support;

/// <summary>A process that prints JSON, a line each. Lines that tell of an event are kept, so that a test may wait for what has already happened.</summary>
internal sealed class JsonProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Action<JsonElement> _onOther;
    private readonly Lock _gate = new();
    private readonly List<JsonElement> _events = [];
    private readonly List<(Predicate<JsonElement> Match, TaskCompletionSource<JsonElement> Found)> _waiters = [];
    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Task _complaining;
    private bool _ended;

    /// <summary>Starts the process.</summary>
    /// <param name="line">The program and its arguments.</param>
    /// <param name="folder">Where it runs.</param>
    /// <param name="onOther">Called, one at a time, with each line that tells of no event.</param>
    public JsonProcess(IReadOnlyList<string> line, string folder, Action<JsonElement> onOther)
    {
        _onOther = onOther;
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(line[0], line.Skip(1))
            {
                WorkingDirectory = folder,
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        _process.Start();
        _complaining = ComplainAsync();
        Ended = ReadAsync();
    }

    /// <summary>Completes when the process has closed its output.</summary>
    public Task Ended { get; }

    /// <summary>The last lines of its standard error, and of its output what is no JSON.</summary>
    public string Complaints => string.Join(" | ", _complaints);

    /// <summary>Writes a line to its standard input.</summary>
    public async Task SayAsync(string line)
    {
        await _writing.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            await _process.StandardInput.WriteLineAsync(line);
            await _process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>The first event of this name that matches, from the start of the process on.</summary>
    public Task<JsonElement> EventAsync(string name, Predicate<JsonElement>? match = null)
    {
        bool Matches(JsonElement e) => e.GetProperty("event").GetString() == name && (match is null || match(e));
        var found = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            foreach (var seen in _events)
            {
                if (Matches(seen)) return Task.FromResult(seen);
            }

            if (_ended) throw new JsPeerException($"The process ended without '{name}'. {Complaints}");
            _waiters.Add((Matches, found));
        }

        return found.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    /// <summary>Closes its standard input, gives it ten seconds to end, then ends it by its own id.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
        }
        catch (Exception e) when (e is TimeoutException or IOException)
        {
            _process.Kill();
        }

        await Task.WhenAll(Ended, _complaining);
        _process.Dispose();
        _writing.Dispose();
    }

    /// <summary>Interrupts it as Ctrl-C does and returns its exit code.</summary>
    public async Task<int> InterruptAsync()
    {
        using var kill = Process.Start("kill", ["-INT", $"{_process.Id}"]);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Ends it by its own id without giving it a chance to say anything, and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        await Ended.WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith('{')) Complain(line);
            else if (JsonDocument.Parse(line).RootElement is var message && message.TryGetProperty("event", out _)) Tell(message);
            else _onOther(message);
        }

        lock (_gate)
        {
            _ended = true;
            foreach (var (_, found) in _waiters) found.TrySetException(new JsPeerException($"The process ended. {Complaints}"));
        }
    }

    private void Tell(JsonElement happened)
    {
        lock (_gate)
        {
            _events.Add(happened);
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (!_waiters[i].Match(happened)) continue;
                _waiters[i].Found.TrySetResult(happened);
                _waiters.RemoveAt(i);
            }
        }
    }

    private async Task ComplainAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line) Complain(line);
    }

    private void Complain(string line)
    {
        _complaints.Enqueue(line);
        if (_complaints.Count > 50) _complaints.TryDequeue(out _);
    }
}
