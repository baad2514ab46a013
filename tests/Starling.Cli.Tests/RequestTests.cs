using System.Text.Json;

namespace Starling.Cli.Tests;

public sealed class RequestTests
{
    [Fact]
    public async Task A_request_prints_the_answer_as_it_is_or_as_json()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off");
        var address = await node.ListeningAsync();

        var plain = await ToolProcess.RunAsync("request", address, "starling.ping", "--data", "grüß dich");
        Assert.Equal((0, "grüß dich\n"), (plain.Code, plain.Output));

        await using var piped = ToolProcess.Start("request", address, "starling.ping", "--json");
        await piped.WriteAsync(new byte[] { 0xff, 0 });
        piped.EndInput();
        Assert.Equal(0, await piped.ExitAsync());
        var answer = JsonDocument.Parse(piped.Output).RootElement;
        Assert.Equal((1, 2, "/wA="), (answer.GetProperty("number").GetInt32(), answer.GetProperty("bytes").GetInt32(), answer.GetProperty("base64").GetString()));

        var status = await ToolProcess.RunAsync("request", address, "starling.status");
        Assert.True(JsonDocument.Parse(status.Output).RootElement.GetProperty("serving").GetBoolean());
    }

    [Fact]
    public async Task A_request_that_fails_says_why_in_one_line()
    {
        await using var node = ToolProcess.Start("node", "--mdns", "off");
        var address = await node.ListeningAsync();

        var nobody = await ToolProcess.RunAsync("request", address, "nobody", "--json");

        Assert.Equal(1, nobody.Code);
        Assert.Equal("starling: NoHandler: There is no handler named 'nobody'.", nobody.Errors.Trim());
        Assert.Equal("NoHandler", JsonDocument.Parse(nobody.Output).RootElement.GetProperty("failure").GetString());
    }
}
