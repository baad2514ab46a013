using System.Text;
using System.Text.Json;

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

    [Fact]
    public async Task A_pattern_takes_every_topic_that_it_means_and_json_tells_where_each_message_is_from()
    {
        await using var sub = ToolProcess.Start("sub", "prices.*", "--listen", "/ip4/127.0.0.1/tcp/0", "--count", "3", "--timeout", "60", "--json");
        var address = await sub.ListeningAsync();
        foreach (var topic in new[] { "prices.eur", "prices.usd" })
        {
            await using var pub = ToolProcess.Start("pub", topic, "--connect", address);
            await pub.WriteAsync(topic == "prices.eur" ? "1.1\n1.2\n"u8.ToArray() : [0xff, 0x0a]);
            pub.EndInput();
            Assert.Equal(0, await pub.ExitAsync());
        }

        Assert.Equal(0, await sub.ExitAsync());
        var messages = sub.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(["prices.eur", "prices.eur", "prices.usd"], messages.Select(message => message.GetProperty("topic").GetString()));
        Assert.Equal([0, 1, 0], messages.Select(message => message.GetProperty("counter").GetInt32()));
        Assert.All(messages, message => Assert.Equal(("stream", 0), (message.GetProperty("kind").GetString(), message.GetProperty("missed").GetInt32())));
        Assert.Equal("1.2", messages[1].GetProperty("text").GetString());
        Assert.Equal("/w==", messages[2].GetProperty("base64").GetString());
        Assert.Equal(2, messages.Select(message => message.GetProperty("origin").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task A_plain_and_a_stream_topic_of_one_name_do_not_meet()
    {
        await using var sub = ToolProcess.Start("sub", "news", "--plain", "--listen", "/ip4/127.0.0.1/tcp/0", "--count", "1", "--json");
        var address = await sub.ListeningAsync();
        var stream = await ToolProcess.RunAsync("pub", "news", "--connect", address, "--wait", "0.5");
        await using var plain = ToolProcess.Start("pub", "news", "--plain", "--connect", address);
        await plain.WriteAsync("bare\n"u8.ToArray());
        plain.EndInput();

        Assert.Equal((1, 0, 0), (stream.Code, await plain.ExitAsync(), await sub.ExitAsync()));
        var message = JsonDocument.Parse(sub.Output).RootElement;
        Assert.Equal(("plain", "bare"), (message.GetProperty("kind").GetString(), message.GetProperty("text").GetString()));
    }

    [Fact]
    public async Task A_late_subscriber_gets_the_last_messages_first()
    {
        await using var first = ToolProcess.Start("sub", "news", "--listen", "/ip4/127.0.0.1/tcp/0");
        var address = await first.ListeningAsync();
        await using var pub = ToolProcess.Start("pub", "news", "--connect", address);
        await pub.WriteAsync("1\n2\n3\n4\n5\n"u8.ToArray());
        await first.OutputLineAsync(line => line == "5");

        await using var late = ToolProcess.Start("sub", "news", "--connect", address, "--last", "3", "--count", "3", "--timeout", "60");

        Assert.Equal(0, await late.ExitAsync());
        Assert.Equal("3\n4\n5\n", late.Output);
    }

    [Fact]
    public async Task A_link_topic_reaches_its_members_alone()
    {
        using var folder = new TemporaryFolder();
        var (key, other) = (folder.File("sub.key"), folder.File("pub.key"));
        var (subscriber, publisher) = ((await ToolProcess.RunAsync("id", "--identity", key)).OutputLines[0], (await ToolProcess.RunAsync("id", "--identity", other)).OutputLines[0]);
        await using var sub = ToolProcess.Start("sub", "inner", "--link", "--member", publisher, "--identity", key, "--listen", "/ip4/127.0.0.1/tcp/0", "--count", "1", "--json");
        var address = await sub.ListeningAsync();
        var stranger = await ToolProcess.RunAsync("pub", "inner", "--link", "--member", subscriber, "--connect", address, "--wait", "0.5");
        await using var pub = ToolProcess.Start("pub", "inner", "--link", "--member", subscriber, "--identity", other, "--connect", address);
        await pub.WriteAsync("secret\n"u8.ToArray());
        pub.EndInput();

        Assert.Equal((1, 0, 0), (stranger.Code, await pub.ExitAsync(), await sub.ExitAsync()));
        Assert.Equal("link", JsonDocument.Parse(sub.Output).RootElement.GetProperty("kind").GetString());
    }

    [Fact]
    public async Task Members_of_a_group_share_the_lines_and_one_that_is_killed_loses_none()
    {
        List<ToolProcess> members = [];
        List<string> addresses = [];
        try
        {
            for (var i = 0; i < 3; i++)
            {
                string[] connect = [.. addresses.SelectMany(address => new[] { "--connect", address })];
                members.Add(ToolProcess.Start(["sub", "jobs", "--group", "workers", "--listen", "/ip4/127.0.0.1/tcp/0", .. connect]));
                addresses.Add(await members[i].ListeningAsync());
            }

            await using var pub = ToolProcess.Start(["pub", "jobs", .. addresses.SelectMany(address => new[] { "--connect", address })]);
            var lines = 0;
            var taken = members[1].OutputLineAsync(_ => true);
            while (!taken.IsCompleted)
            {
                // A member takes its share as soon as the others know it, so the first lines may all be theirs.
                await pub.WriteAsync(Lines(lines, 50));
                lines += 50;
                await Task.WhenAny(taken, EitherAsync($"job {lines - 1}", members));
            }

            await taken;
            members[1].Freeze();
            await pub.WriteAsync(Lines(lines, 50));
            members[1].KillHard();
            await pub.WriteAsync(Lines(lines + 50, 50));
            pub.EndInput();

            await Task.WhenAll(Enumerable.Range(0, lines + 100).Select(number => EitherAsync($"job {number}", members)));
            Assert.Equal(0, await pub.ExitAsync());
            Assert.All([members[0], members[2]], member => Assert.NotEmpty(member.Output));
        }
        finally
        {
            foreach (var member in members) await member.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("--policy takes", "sub", "news", "--policy", "never")]
    [InlineData("needs --member", "pub", "news", "--link")]
    [InlineData("takes a peer id", "pub", "news", "--link", "--member", "bob")]
    [InlineData("is a pattern", "pub", "prices.*")]
    [InlineData("need a stream topic", "sub", "news", "--plain", "--last", "3")]
    [InlineData("1 to 64 characters", "sub", "news", "--group", "")]
    public async Task A_wrong_command_line_is_one_line_that_names_the_mistake(string mistake, params string[] arguments)
    {
        var run = await ToolProcess.RunAsync(arguments);
        Assert.Equal(1, run.Code);
        Assert.Contains(mistake, Assert.Single(run.ErrorLines));
    }

    private static byte[] Lines(int first, int count) => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(first, count).Select(number => $"job {number}\n")));

    private static async Task EitherAsync(string wanted, IReadOnlyList<ToolProcess> tools)
    {
        var found = await Task.WhenAny(tools.Select(tool => tool.OutputLineAsync(line => line == wanted)).Select(async line =>
        {
            try
            {
                return await line;
            }
            catch (InvalidOperationException)
            {
                // This one has ended without it; another one has it.
                await Task.Delay(TimeSpan.FromSeconds(60), TimeProvider.System, TestContext.Current.CancellationToken);
                throw;
            }
        }));
        Assert.Equal(wanted, await found);
    }

    private static byte[] LineOf(int number) => Encoding.UTF8.GetBytes($"{number} žluťoučký kůň \t{new string('x', number % 300)}\n");
}
