using System.CommandLine;
using Starling.Cli.Doctor;

namespace Starling.Cli.Verbs;

/// <summary>Says what is wrong with this machine's network, or why an address cannot be reached, in plain words.</summary>
internal sealed class DoctorVerb : Verb
{
    private readonly Argument<Multiaddr?> _address = new("ADDR")
    {
        Description = "A peer that cannot be reached, as multiaddress or host:port. Without it only this machine is looked at.",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result => result.Tokens is [var token] ? Common.Parse(result, token.Value) : null,
    };

    private readonly Option<bool> _json = Common.Json("each finding");

    public DoctorVerb(Output output)
        : base("doctor", "Find out what is wrong: cryptography, clock, ports, interfaces, multicast, and why a peer cannot be reached.", "starling doctor 127.0.0.1:4001", output)
    {
        Add(_address);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var bad = 0;
        var json = arguments.GetValue(_json);
        await foreach (var finding in Findings(arguments.GetValue(_address)).WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            if (finding.Health == Health.Bad) bad++;
            if (json) Write(finding);
            else Output.Line($"{Mark(finding.Health)} {finding.Subject}: {finding.Text}{(finding.Advice.Length == 0 ? "" : $" -> {finding.Advice}")}");
        }

        return bad == 0 ? Tool.Done : Output.Fail($"{bad} of the findings above need a remedy");
    }

    private static async IAsyncEnumerable<Finding> Findings(Multiaddr? address)
    {
        await foreach (var finding in MachineChecks.RunAsync().ConfigureAwait(false)) yield return finding;
        if (address is null) yield break;
        await foreach (var finding in AddressChecks.RunAsync(address).ConfigureAwait(false)) yield return finding;
    }

    private static string Mark(Health health) => health switch
    {
        Health.Good => "good ",
        Health.Doubtful => "doubt",
        _ => "BAD  ",
    };

    private void Write(Finding finding) => Output.Json(line =>
    {
        line.WriteString("health", finding.Health.ToString().ToLowerInvariant());
        line.WriteString("subject", finding.Subject);
        line.WriteString("text", finding.Text);
        line.WriteString("advice", finding.Advice);
    });
}
