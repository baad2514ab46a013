using System.Diagnostics;
using System.Reflection;

namespace Starling.Bench.PubSub;

/// <summary>An end in a process of its own: this very program, started again with a hidden verb. Disposing ends it.</summary>
internal sealed class EndProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(10);
    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly string _name;

    private EndProcess(string name, Process process)
    {
        _name = name;
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>What the end said when it was ready: where others connect to.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Starts an end.</summary>
    /// <param name="verb">The arguments that make this program an end, without the role.</param>
    /// <param name="role">The role.</param>
    /// <param name="cancellationToken">Gives up; the process is ended.</param>
    public static Task<EndProcess> StartAsync(IReadOnlyList<string> verb, string role, CancellationToken cancellationToken)
    {
        var (program, first) = Self();
        return StartAsync(role, program, [.. first, .. verb, role], cancellationToken);
    }

    /// <summary>Starts another program that takes the same commands.</summary>
    public static async Task<EndProcess> StartAsync(string name, string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        var end = new EndProcess(name, Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start."));
        try
        {
            end.Address = await end.AnswerAsync(cancellationToken);
            return end;
        }
        catch
        {
            await end.DisposeAsync();
            throw;
        }
    }

    /// <summary>Gives a command and waits for its answer.</summary>
    /// <exception cref="InvalidOperationException">The end could not do it; the message says why.</exception>
    public async Task<string> AskAsync(string command, CancellationToken cancellationToken)
    {
        await TellAsync(command);
        return await AnswerAsync(cancellationToken);
    }

    /// <summary>Gives a command.</summary>
    public async Task TellAsync(string command)
    {
        await _process.StandardInput.WriteLineAsync(command);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>The next answer, without its "ok".</summary>
    /// <exception cref="InvalidOperationException">The end could not do it; the message says why.</exception>
    public async Task<string> AnswerAsync(CancellationToken cancellationToken)
    {
        var line = await _process.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(Patience, cancellationToken);
        if (line is null) throw new InvalidOperationException($"The {_name} process ended: {(await _errors).Trim()}");
        return line.StartsWith("ok ", StringComparison.Ordinal) || line == "ready" ? line[(line.IndexOf(' ') + 1)..] : throw new InvalidOperationException($"{_name}: {line}");
    }

    /// <summary>Closes its input, which ends it; kills it when it takes too long.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        try
        {
            await _process.WaitForExitAsync().WaitAsync(EndPatience);
        }
        catch (TimeoutException)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    /// <summary>How to start this program again: as its own executable, or, where dotnet was given an assembly, the same way.</summary>
    private static (string Program, IReadOnlyList<string> First) Self()
    {
        var program = Environment.ProcessPath ?? throw new InvalidOperationException("This process does not know its own program.");
        return Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase)
            ? (program, [Assembly.GetEntryAssembly()!.Location])
            : (program, []);
    }
}
