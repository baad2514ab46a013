using System.CommandLine;
using System.Text.Json;
using Starling.Protocols.Links;

namespace Starling.Cli.Verbs;

/// <summary>Changes and shows the blocklist of a running node.</summary>
internal abstract class BlockVerb : Verb
{
    private BlockVerb(string name, string description, string example, Output output)
        : base(name, description, example, output) => Admin.AddTo(this);

    private AdminOptions Admin { get; } = new();

    /// <summary>The verb <c>block</c> with its parts.</summary>
    public static Command Group(Output output) => new("block", "Change or show the blocklist of a running node.") { new AddVerb(output), new RemoveVerb(output), new ListVerb(output) };

    private async Task<JsonElement> CallAsync(ParseResult arguments, string command, Action<Utf8JsonWriter>? write, CancellationToken cancellationToken) =>
        await AdminClient.CallAsync(await Admin.FindAsync(arguments, cancellationToken).ConfigureAwait(false), command, write, cancellationToken).ConfigureAwait(false);

    private static Argument<string> Subject() => new("SUBJECT")
    {
        Description = "A peer id, an IP address, or a range such as 10.0.0.0/8.",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (!BlockSubject.TryParse(text, out _, out var error)) result.AddError($"'{text}' cannot be blocked: {error}");
            return text;
        },
    };

    private sealed class AddVerb : BlockVerb
    {
        private readonly Argument<string> _subject = Subject();
        private readonly Option<TimeSpan?> _for = Common.Seconds("--for", "For how long. Default for ever.");
        private readonly Option<string?> _note = new("--note") { Description = "Why, for people on this side.", HelpName = "TEXT" };

        public AddVerb(Output output)
            : base("add", "Block a peer, an address or a range, and close the links that it concerns.", "starling block add 192.0.2.0/24 --for 3600 --note 'floods us'", output)
        {
            Add(_subject);
            Add(_for);
            Add(_note);
        }

        protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
        {
            await CallAsync(
                arguments,
                "block.add",
                json =>
                {
                    json.WriteString("subject", arguments.GetRequiredValue(_subject));
                    if (arguments.GetValue(_for) is { } time) json.WriteNumber("seconds", time.TotalSeconds);
                    if (arguments.GetValue(_note) is { } note) json.WriteString("note", note);
                },
                cancellationToken).ConfigureAwait(false);
            return Tool.Done;
        }
    }

    private sealed class RemoveVerb : BlockVerb
    {
        private readonly Argument<string> _subject = Subject();

        public RemoveVerb(Output output)
            : base("remove", "Take a peer, an address or a range off the blocklist.", "starling block remove 192.0.2.0/24", output) => Add(_subject);

        protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
        {
            var subject = arguments.GetRequiredValue(_subject);
            var removed = await CallAsync(arguments, "block.remove", json => json.WriteString("subject", subject), cancellationToken).ConfigureAwait(false);
            return removed.GetBoolean() ? Tool.Done : Output.Fail($"{subject} is not on the blocklist; 'starling block list' shows what is");
        }
    }

    private sealed class ListVerb : BlockVerb
    {
        private readonly Option<bool> _json = Common.Json("each entry");

        public ListVerb(Output output)
            : base("list", "Show the blocklist.", "starling block list --json", output) => Add(_json);

        protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
        {
            foreach (var entry in (await CallAsync(arguments, "block.list", null, cancellationToken).ConfigureAwait(false)).EnumerateArray())
            {
                if (!arguments.GetValue(_json))
                {
                    Output.Line($"{Text(entry, "subject")}  until {(Text(entry, "expires") is { Length: > 0 } end ? end : "removed")}  {Text(entry, "note")}".TrimEnd());
                    continue;
                }

                Output.Json(json =>
                {
                    foreach (var property in entry.EnumerateObject()) property.WriteTo(json);
                });
            }

            return Tool.Done;
        }

        private static string Text(JsonElement entry, string name) => entry.GetProperty(name).GetString() ?? "";
    }
}
