using System.Diagnostics;
using System.Runtime.CompilerServices;
using Starling.Net.Links;

namespace Starling.Net.Tests.Links;

/// <summary>This very test program, started once more to do nothing but save a peer book again and again until it is killed.</summary>
internal sealed class SavingProcess : IDisposable
{
    public const int PeerCount = 2000;

    private const string Variable = "STARLING_TEST_SAVE_TO";
    private readonly Process _process;

    private SavingProcess(Process process) => _process = process;

    public static SavingProcess Start(string path)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(SavingProcess).Assembly.Location);
        start.Environment[Variable] = path;
        return new SavingProcess(Process.Start(start)!);
    }

    /// <summary>Waits until it has saved so many times; it goes on meanwhile.</summary>
    public async Task WaitForSavesAsync(int count)
    {
        for (var seen = 0; seen < count; seen++) Assert.Equal("saved", await _process.StandardOutput.ReadLineAsync());
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
    }

#pragma warning disable CA2255 // This is the program, not a library.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void SaveForEverWhenAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } path) return;
        var store = new JsonPeerStore(path);
        var peers = JsonPeerStoreTests.Peers(PeerCount);
        while (true)
        {
            store.SaveAsync(peers).AsTask().GetAwaiter().GetResult();
            Console.Out.WriteLine("saved");
        }
    }
}
