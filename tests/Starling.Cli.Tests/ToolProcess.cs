using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Starling.Cli.Tests;

/// <summary>The built tool, run as a process of its own. Disposing kills it if it still runs.</summary>
internal sealed class ToolProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly LineLog _errors;
    private readonly LineLog _lines;

    private ToolProcess(Process process)
    {
        _process = process;
        _errors = new LineLog(process.StandardError.BaseStream);
        _lines = new LineLog(process.StandardOutput.BaseStream);
    }

    /// <summary>Everything on standard output so far.</summary>
    public byte[] OutputBytes => _lines.Bytes;

    public string Output => Encoding.UTF8.GetString(OutputBytes);

    public string Errors => Encoding.UTF8.GetString(_errors.Bytes);

    public static ToolProcess Start(params string[] arguments) => StartProgram("starling.dll", arguments);

    /// <summary>Starts a program that was built beside the tests.</summary>
    public static ToolProcess StartProgram(string assembly, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, assembly));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return new ToolProcess(Process.Start(start)!);
    }

    /// <summary>Runs to the end with nothing on standard input.</summary>
    public static async Task<Finished> RunAsync(params string[] arguments)
    {
        await using var tool = Start(arguments);
        tool.EndInput();
        var code = await tool.ExitAsync();
        return new Finished(code, tool.Output, tool.Errors);
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> input)
    {
        await _process.StandardInput.BaseStream.WriteAsync(input).AsTask().WaitAsync(Patience);
        await _process.StandardInput.BaseStream.FlushAsync().WaitAsync(Patience);
    }

    public void EndInput() => _process.StandardInput.Close();

    public void CloseOutput() => _process.StandardOutput.Close();

    /// <summary>The exit code, once all output was read.</summary>
    public async Task<int> ExitAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(Patience);
            await Task.WhenAll(_lines.Ended, _errors.Ended).WaitAsync(Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"The tool did not end.\nout: {Output}\nerr: {Errors}", e);
        }

        return _process.ExitCode;
    }

    public Task<string> ErrorLineAsync(Predicate<string> wanted) => _errors.LineAsync(wanted, Patience, Describe);

    public Task<string> OutputLineAsync(Predicate<string> wanted) => _lines.LineAsync(wanted, Patience, Describe);

    /// <summary>The address with peer id from the line that says where the tool listens.</summary>
    public async Task<string> ListeningAsync() =>
        (await ErrorLineAsync(line => line.StartsWith("listening ", StringComparison.Ordinal)))["listening ".Length..];

    public void Interrupt() => Send(2);

    public void Terminate() => Send(15);

    public void KillHard() => _process.Kill();

    /// <summary>Stops the process where it stands (SIGSTOP); its sockets stay open.</summary>
    public void Freeze() => Send(19);

    /// <summary>Lets a frozen process run on.</summary>
    public void Thaw() => Send(18);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        _process.Dispose();
    }

    private void Send(int signal)
    {
        if (kill(_process.Id, signal) != 0) throw new InvalidOperationException($"kill failed: {Marshal.GetLastPInvokeError()}");
    }

    private string Describe() => $"arguments: {string.Join(' ', _process.StartInfo.ArgumentList.Skip(1))}\nout: {Output}\nerr: {Errors}";

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int signal);

    /// <summary>Collects a pipe's bytes and hands out its lines as they come.</summary>
    private sealed class LineLog
    {
        private readonly Lock _gate = new();
        private readonly ArrayBufferWriter<byte> _all = new();
        private readonly ConcurrentDictionary<TaskCompletionSource, byte> _waiting = new();

        public LineLog(Stream source) => Ended = Task.Run(() => PumpAsync(source));

        public Task Ended { get; }

        public byte[] Bytes
        {
            get
            {
                lock (_gate) return _all.WrittenSpan.ToArray();
            }
        }

        public async Task<string> LineAsync(Predicate<string> wanted, TimeSpan patience, Func<string> describe)
        {
            using var deadline = new CancellationTokenSource(patience);
            while (true)
            {
                var more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting[more] = 0;
                var ended = Ended.IsCompleted;
                var text = Encoding.UTF8.GetString(Bytes);
                var line = text[..(text.LastIndexOf('\n') + 1)].Split('\n').FirstOrDefault(one => one.Length > 0 && wanted(one));
                if (line is not null) return line;
                if (ended) throw new InvalidOperationException($"The output ended without the line.\n{describe()}");
                try
                {
                    await Task.WhenAny(more.Task, Ended).WaitAsync(deadline.Token);
                }
                catch (OperationCanceledException e)
                {
                    throw new TimeoutException($"The line did not come.\n{describe()}", e);
                }
                finally
                {
                    _waiting.TryRemove(more, out _);
                }
            }
        }

        private async Task PumpAsync(Stream source)
        {
            var buffer = new byte[16 * 1024];
            try
            {
                while (await source.ReadAsync(buffer) is var count and > 0)
                {
                    lock (_gate) _all.Write(buffer.AsSpan(0, count));
                    foreach (var one in _waiting.Keys) one.TrySetResult();
                }
            }
            catch (ObjectDisposedException)
            {
                // The test closed this end on purpose.
            }
        }
    }
}

/// <summary>A run that ended.</summary>
internal sealed record Finished(int Code, string Output, string Errors)
{
    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public string[] ErrorLines => Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
