using System.CommandLine;
using System.Net;
using Starling.Web;

namespace Starling.Cli.Verbs;

/// <summary>Runs a controller until Ctrl-C: nodes register, and start together when all are there.</summary>
internal sealed class ControllerVerb : Verb
{
    private readonly Option<Multiaddr> _listen = new("--listen")
    {
        Description = "Where to listen, as ip:port or multiaddress. Default 127.0.0.1:8800. Anything but loopback shows the token to the network, unless --certificate is given.",
        HelpName = "ADDR",
        CustomParser = result => Common.Parse(result, result.Tokens[0].Value),
        DefaultValueFactory = _ => Multiaddr.ParseUserInput("127.0.0.1:8800"),
    };

    private readonly Option<int?> _nodes = Common.Whole("--nodes", "N", "How many nodes the start waits for.", 1, 100_000);
    private readonly Option<string> _token = new("--token") { Description = "File with the token that nodes must show; made, readable by you alone, where there is none.", HelpName = "FILE", Required = true };
    private readonly Option<string?> _certificate = new("--certificate") { Description = "PEM file with certificate and private key, to serve HTTPS.", HelpName = "FILE" };
    private readonly Option<bool> _json = Common.Json("the start and its nodes");

    public ControllerVerb(Output output)
        : base("controller", "Run a start barrier: nodes register over HTTP and start together when all are there.", "starling controller --listen 127.0.0.1:8800 --nodes 10 --token token.txt", output)
    {
        _nodes.Required = true;
        Add(_listen);
        Add(_nodes);
        Add(_token);
        Add(_certificate);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var file = arguments.GetRequiredValue(_token);
        var options = new ControllerOptions
        {
            Listen = EndPointOf(arguments.GetRequiredValue(_listen)),
            Nodes = arguments.GetValue(_nodes)!.Value,
            Token = TokenFile.ReadOrCreate(file, out var created),
        };
        if (created) Output.Note($"made {file} with a fresh token; give it to the nodes");
        using var certificate = arguments.GetValue(_certificate) is { } pem ? Pem.Load(pem) : null;
        options.Certificate = certificate;
        var problems = new OptionProblems();
        options.Check(problems);
        if (problems.All.Count > 0) throw new StarlingException($"{file}: {string.Join(" ", problems.All)}");

        await using var controller = await Controller.StartAsync(options, cancellationToken: cancellationToken).ConfigureAwait(false);
        Output.Note($"listening {controller.Address}");
        try
        {
            await controller.Started.WaitAsync(cancellationToken).ConfigureAwait(false);
            Tell(controller.State, arguments.GetValue(_json));
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && controller.Started.IsCompleted)
        {
            // Ended after its work was done.
        }

        return Tool.Done;
    }

    private void Tell(ControllerState state, bool json)
    {
        if (!json)
        {
            Output.Line($"started {state.Registered} nodes");
            return;
        }

        Output.Json(line =>
        {
            line.WriteBoolean("started", state.Started);
            line.WriteStartArray("nodes");
            foreach (var node in state.Nodes) line.WriteStringValue(node.Peer);
            line.WriteEndArray();
        });
    }

    private static IPEndPoint EndPointOf(Multiaddr address)
    {
        var parts = address.ToString().Split('/');
        if (parts is ["", "ip4" or "ip6", var ip, "tcp", var port] && IPAddress.TryParse(ip, out var host) && int.TryParse(port, out var number)) return new IPEndPoint(host, number);
        throw new StarlingException($"The controller cannot listen on {address}; write an IP address and a port, such as 127.0.0.1:8800.");
    }
}
