using System.CommandLine;
using System.CommandLine.Parsing;
using Starling.Net.PubSub;

namespace Starling.Cli.Verbs;

/// <summary>Which kind of topic a verb means.</summary>
internal sealed class TopicOptions
{
    private readonly Argument<string> _name = Common.Topic();
    private readonly Option<bool> _plain = new("--plain") { Description = "A plain topic, as every libp2p peer knows it. Default: a stream topic, in order, recovered, signed." };
    private readonly Option<bool> _link = new("--link") { Description = "A stream topic of a closed list of peers, without signatures; give each with --member." };
    private readonly Option<PeerId[]> _members = new("--member")
    {
        Description = "Peer id of a member of a --link topic. May be given several times; this node is always one.",
        HelpName = "ID",
        CustomParser = result => [.. result.Tokens.Select(token => ParsePeer(result, token.Value)).OfType<PeerId>()],
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> _identity = Common.Identity();
    private readonly bool _patterns;

    /// <param name="patterns">Whether the name may be a pattern.</param>
    public TopicOptions(bool patterns) => _patterns = patterns;

    public void AddTo(Command verb)
    {
        verb.Add(_name);
        verb.Add(_plain);
        verb.Add(_link);
        verb.Add(_members);
        verb.Add(_identity);
        verb.Validators.Add(result =>
        {
            var members = result.GetResult(_members)?.Tokens.Count ?? 0;
            if (result.GetValue(_plain) && result.GetValue(_link)) result.AddError("--plain and --link exclude each other");
            if (result.GetValue(_link) && members == 0) result.AddError("--link needs --member ID for each other member");
            if (!result.GetValue(_link) && members > 0) result.AddError("--member goes with --link");
            if (result.GetValue(_name) is { } name && !_patterns && Topic.Stream(name).IsPattern) result.AddError($"'{name}' is a pattern, which can be subscribed to; name one topic");
        });
    }

    public string? IdentityOf(ParseResult arguments) => arguments.GetValue(_identity);

    public Topic Of(ParseResult arguments)
    {
        var name = arguments.GetRequiredValue(_name);
        if (arguments.GetValue(_plain)) return Topic.Plain(name);
        return arguments.GetValue(_link) ? Topic.Link(name, arguments.GetRequiredValue(_members)) : Topic.Stream(name);
    }

    private static PeerId? ParsePeer(ArgumentResult result, string text)
    {
        if (PeerId.TryParse(text, out var peer, out var error)) return peer;
        result.AddError($"--member takes a peer id such as 'starling id' prints; that given is none: {error}");
        return null;
    }
}
