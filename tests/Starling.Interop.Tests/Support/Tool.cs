namespace Starling.Interop.Tests.Support;

/// <summary>The <c>starling</c> tool in a process of its own, printing its events as JSON.</summary>
internal static class Tool
{
    /// <summary>Starts the tool.</summary>
    /// <param name="within">A command and its arguments that the tool runs under.</param>
    /// <param name="arguments">The verb and its options, <c>--json</c> among them.</param>
    public static JsonProcess Start(IReadOnlyList<string> within, params IReadOnlyList<string> arguments) =>
        new([.. within, "dotnet", Path.Combine(AppContext.BaseDirectory, "starling.dll"), .. arguments], AppContext.BaseDirectory, _ => { });
}
