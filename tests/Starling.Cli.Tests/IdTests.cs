namespace Starling.Cli.Tests;

public sealed class IdTests
{
    [Fact]
    public async Task A_key_file_is_made_once_and_gives_the_same_id_ever_after()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("node.key");

        var first = await ToolProcess.RunAsync("id", "--identity", file);
        var second = await ToolProcess.RunAsync("id", "--identity", file);

        Assert.Equal((0, ""), (first.Code, first.Errors));
        Assert.Equal(first, second);
        Assert.Equal(first.OutputLines.Single(), PeerId.Parse(first.OutputLines.Single()).ToString());
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task Without_a_file_every_id_is_new_and_the_tool_says_that_it_is_not_kept()
    {
        var first = await ToolProcess.RunAsync("id");
        var second = await ToolProcess.RunAsync("id");

        Assert.NotEqual(first.OutputLines.Single(), second.OutputLines.Single());
        Assert.Contains("--identity", first.Errors);
    }

    [Fact]
    public async Task A_damaged_key_file_is_one_clear_line()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("node.key");
        await File.WriteAllTextAsync(file, "not a key", TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        var run = await ToolProcess.RunAsync("id", "--identity", file);

        Assert.Equal(1, run.Code);
        Assert.Contains(file, Assert.Single(run.ErrorLines));
    }
}
