using System.CommandLine;

namespace Starling.Cli.Verbs;

/// <summary>One verb of the tool: its options, its example, and what it does.</summary>
internal abstract class Verb : Command
{
    protected Verb(string name, string description, string example, Output output)
        : base(name, description)
    {
        Example = example;
        Output = output;
        SetAction(RunAsync);
    }

    /// <summary>A command line, or a few, shown below the verb's help.</summary>
    public string Example { get; }

    protected Output Output { get; }

    /// <summary>Does the work; the result is the exit code. Exceptions become one line on standard error.</summary>
    protected abstract Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken);
}
