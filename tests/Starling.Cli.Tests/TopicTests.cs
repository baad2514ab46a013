using System.Text;

namespace Starling.Cli.Tests;

public sealed class TopicTests
{
    [Fact]
    public async Task A_file_piped_through_a_topic_arrives_with_identical_bytes()
    {
        var file = Enumerable.Range(0, 5000).SelectMany(LineOf).ToArray();
        await using var sub = ToolProcess.Start("sub", "news", "--listen", "/ip4/127.0.0.1/tcp/0", "--count", "5000", "--timeout", "60");
        var address = await sub.ListeningAsync();
        await using var pub = ToolProcess.Start("pub", "news", "--connect", address);

        await pub.WriteAsync(file);
        pub.EndInput();

        Assert.Equal(0, await pub.ExitAsync());
        Assert.Equal(0, await sub.ExitAsync());
        Assert.Equal(file, sub.OutputBytes);
        Assert.Empty(pub.Output);
    }

    [Fact]
    public async Task A_subscriber_may_be_the_one_that_connects()
    {
        await using var node = ToolProcess.Start("sub", "news", "--listen", "/ip4/127.0.0.1/tcp/0");
        var address = await node.ListeningAsync();
        await using var pub = ToolProcess.Start("pub", "news", "--connect", address, "--wait", "30");

        await pub.WriteAsync("one\n\ntwo without end"u8.ToArray());
        pub.EndInput();

        Assert.Equal(0, await pub.ExitAsync());
        await node.OutputLineAsync(line => line == "two without end");
        node.Interrupt();
        Assert.Equal(0, await node.ExitAsync());
        Assert.Equal("one\n\ntwo without end\n", node.Output);
    }

    [Fact]
    public async Task Publisher_and_subscriber_find_each_other_by_multicast()
    {
        var topic = $"found-{Guid.NewGuid():N}";
        await using var sub = ToolProcess.Start("sub", topic, "--count", "1", "--timeout", "60");
        await sub.ListeningAsync();
        await using var pub = ToolProcess.Start("pub", topic, "--wait", "60");

        await pub.WriteAsync("hello\n"u8.ToArray());
        pub.EndInput();

        Assert.Equal(0, await pub.ExitAsync());
        Assert.Equal(0, await sub.ExitAsync());
        Assert.Equal("hello\n", sub.Output);
    }

    [Fact]
    public async Task A_publisher_without_subscriber_fails_with_one_line()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off");
        var run = await ToolProcess.RunAsync("pub", "nobody", "--connect", await node.ListeningAsync(), "--wait", "0.3");

        Assert.Equal(1, run.Code);
        Assert.Contains("nobody", Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task A_subscriber_that_got_fewer_than_it_counts_fails_with_one_line()
    {
        var run = await ToolProcess.RunAsync("sub", $"silent-{Guid.NewGuid():N}", "--count", "1", "--timeout", "0.3");

        Assert.Equal(1, run.Code);
        Assert.Contains("0 of 1", run.ErrorLines.Single(line => !line.StartsWith("listening ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_subscriber_with_a_timeout_alone_ends_well()
    {
        var run = await ToolProcess.RunAsync("sub", $"silent-{Guid.NewGuid():N}", "--timeout", "0.3");

        Assert.Equal(0, run.Code);
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task A_line_that_no_message_holds_is_named()
    {
        await using var sub = ToolProcess.Start("sub", "long", "--listen", "/ip4/127.0.0.1/tcp/0");
        await using var pub = ToolProcess.Start("pub", "long", "--connect", await sub.ListeningAsync());

        await pub.WriteAsync("short\n"u8.ToArray());
        await sub.OutputLineAsync(line => line == "short");
        var refused = await Record.ExceptionAsync(() => pub.WriteAsync(Encoding.ASCII.GetBytes(new string('x', 8 << 20))));

        Assert.Equal(1, await pub.ExitAsync());
        Assert.Contains("line 2", Assert.Single(pub.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.IsType<IOException>(refused);
    }

    [Fact]
    public async Task An_interrupted_publisher_ends_at_once()
    {
        await using var sub = ToolProcess.Start("sub", "quiet", "--listen", "/ip4/127.0.0.1/tcp/0");
        await using var pub = ToolProcess.Start("pub", "quiet", "--connect", await sub.ListeningAsync());
        await pub.WriteAsync("first\n"u8.ToArray());
        await sub.OutputLineAsync(line => line == "first");

        pub.Interrupt();

        Assert.Equal(130, await pub.ExitAsync());
        Assert.Empty(pub.Errors);
    }

    private static byte[] LineOf(int number) => Encoding.UTF8.GetBytes($"{number} žluťoučký kůň \t{new string('x', number % 300)}\n");
}
