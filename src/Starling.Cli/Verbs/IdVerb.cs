using System.CommandLine;

namespace Starling.Cli.Verbs;

/// <summary>Prints the peer id of a key file, making the file where there is none.</summary>
internal sealed class IdVerb : Verb
{
    private readonly Option<string?> _identity = Common.Identity();

    public IdVerb(Output output)
        : base("id", "Print a peer id.", "starling id --identity ~/.starling.key", output) => Add(_identity);

    protected override Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var file = arguments.GetValue(_identity);
        using var identity = file is null ? NodeIdentity.Generate() : NodeIdentity.LoadOrCreate(file);
        Output.Line(identity.PeerId.ToString());
        if (file is null) Output.Note("a new identity, kept nowhere: --identity FILE keeps it");
        return Task.FromResult(Tool.Done);
    }
}
