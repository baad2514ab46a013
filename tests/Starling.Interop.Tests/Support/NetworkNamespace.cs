using System.Diagnostics;

namespace Starling.Interop.Tests.Support;

/// <summary>A network of its own with nothing but a loopback interface: what multicasts in it reaches nobody else. It lives as long as a holder process does.</summary>
internal sealed class NetworkNamespace : IAsyncDisposable
{
    // Who is not root may still own a network inside a user namespace, where the system allows those.
    private static readonly bool Root = Environment.IsPrivilegedProcess;

    private readonly Process _holder;

    private NetworkNamespace(Process holder) => _holder = holder;

    /// <summary>The command that runs its arguments inside.</summary>
    public IReadOnlyList<string> Enter => Root
        ? ["nsenter", "--target", $"{_holder.Id}", "--net", "--"]
        : ["nsenter", "--target", $"{_holder.Id}", "--user", "--preserve-credentials", "--net", "--"];

    /// <summary>Makes one, or skips the test with the reason.</summary>
    public static async Task<NetworkNamespace> CreateAsync()
    {
        IReadOnlyList<string> own = Root ? ["--net"] : ["--user", "--map-root-user", "--net"];
        var start = new ProcessStartInfo("unshare", [.. own, "sh", "-c", "ip link set lo up && ip link set lo multicast on && echo up && read wait"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var holder = new Process { StartInfo = start };
        try
        {
            holder.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            holder.Dispose();
            Assert.Skip($"No network namespace can be made here: {e.Message}");
        }

        var made = new NetworkNamespace(holder);
        if (await holder.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) == "up") return made;
        var why = await holder.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await made.DisposeAsync();
        Assert.Skip($"No network namespace can be made here: {why.Trim()}");
        return made;
    }

    /// <summary>Runs a command inside to its end.</summary>
    /// <exception cref="InvalidOperationException">It cannot be run, or failed; the message says why.</exception>
    public async Task RunAsync(params IReadOnlyList<string> command)
    {
        string[] line = [.. Enter, .. command];
        using var run = Process.Start(new ProcessStartInfo(line[0], line.Skip(1)) { UseShellExecute = false, RedirectStandardError = true })!;
        var why = await run.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await run.WaitForExitAsync(TestContext.Current.CancellationToken);
        if (run.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', command)}: {why.Trim()}");
    }

    public async ValueTask DisposeAsync()
    {
        _holder.StandardInput.Close();
        await _holder.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
        _holder.Dispose();
    }
}
