using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Starling.Cli.Verbs;

namespace Starling.Cli;

/// <summary>The <c>starling</c> command line: verbs, their help, and how each outcome becomes an exit code.</summary>
/// <remarks>Exit codes: 0 done, 1 failed with one line on standard error, 130 interrupted before the work was done.</remarks>
internal static class Tool
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Interrupted = 130;

    public static async Task<int> RunAsync(string[] args, Output output, CancellationToken cancellationToken)
    {
        var result = Build(output).Parse(args);
        if (result.Action is ParseErrorAction)
            return output.Fail($"{Mistake(result)} (see '{PathOf(result.CommandResult.Command)} --help')");

        var verbose = result.GetValue<bool>("--verbose");
        var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        try
        {
            return await result.InvokeAsync(configuration, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (OutputClosedException)
        {
            // Whoever read our output has gone, as in `starling sub news | head -1`: nothing is left to do.
            return Done;
        }
        catch (Exception e) when (!verbose && e is StarlingException or IOException or UnauthorizedAccessException or FormatException)
        {
            return output.Fail(e.Message);
        }
        catch (Exception e)
        {
            return output.Fail(verbose ? e.ToString() : $"unexpected {e.GetType().Name}: {e.Message} (--verbose shows where)");
        }
    }

    private static RootCommand Build(Output output)
    {
        var root = new RootCommand("Peer-to-peer topics and streams without a broker, on the wire of libp2p.")
        {
            new DemoVerb(output), new NodeVerb(output), new IdVerb(output), new PingVerb(output),
            new PubVerb(output), new SubVerb(output), new TopicsVerb(output), new RequestVerb(output),
            new PeersVerb(output), new DiscoverVerb(output),
            BlockVerb.Group(output),
            new ControllerVerb(output),
            new GossipApiVerb(output),
            new DoctorVerb(output),
            BenchVerb.Group(output), new SimVerb(output),
            new Option<bool>("--verbose") { Description = "Log to standard error, and show whole errors.", Recursive = true },
        };
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExample((HelpAction)help.Action!);
        return root;
    }

    /// <summary>The first mistake of a command line, as one line that names it.</summary>
    private static string Mistake(ParseResult result)
    {
        var command = result.CommandResult.Command;
        if (command.Subcommands.Count > 0 && result.UnmatchedTokens is [var unknown, ..]) return $"there is no command '{unknown}'";
        if (command.Subcommands.Count > 0) return $"a command is missing: {string.Join(", ", command.Subcommands.Select(one => one.Name))}";
        var missing = command.Arguments.FirstOrDefault(one => result.GetResult(one) is not { Tokens.Count: > 0 });
        return missing is null ? result.Errors[0].Message.TrimEnd('.').ReplaceLineEndings(" ") : $"{missing.Name} is missing";
    }

    private static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{PathOf(parent)} {command.Name}" : "starling";

    /// <summary>The usual help, and below it the verb's example.</summary>
    private sealed class HelpWithExample(HelpAction usual) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            usual.Invoke(parseResult);
            var command = parseResult.CommandResult.Command;
            var example = (command as Verb ?? command.Subcommands.OfType<Verb>().First()).Example;
            parseResult.InvocationConfiguration.Output.WriteLine($"Example:\n  {example.ReplaceLineEndings("\n  ")}\n");
            return Done;
        }
    }
}
