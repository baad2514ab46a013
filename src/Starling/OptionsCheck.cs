using System.Reflection;
using Microsoft.Extensions.Options;
using Starling.Net.Discovery;
using Starling.Protocols.Links;

namespace Starling;

/// <summary>Checks options and says of each wrong value what it is, why it is wrong and what to do.</summary>
/// <remarks>Every property that is <see cref="ICheckedOptions"/> is checked with its name in front.</remarks>
internal sealed class OptionsCheck : IValidateOptions<StarlingOptions>
{
    private static readonly PropertyInfo[] Parts = [.. typeof(StarlingOptions).GetProperties().Where(one => typeof(ICheckedOptions).IsAssignableFrom(one.PropertyType))];

    private static readonly string[] SecurityNames = ["tls", "noise"];
    private readonly OptionProblems _problems = new();

    /// <summary>Everything that is wrong; empty when nothing is.</summary>
    public static IReadOnlyList<string> Errors(StarlingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var check = new OptionsCheck();
        check.CheckAll(options);
        foreach (var part in Parts) check._problems.Within(part.Name, (ICheckedOptions)part.GetValue(options)!);
        return check._problems.All;
    }

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, StarlingOptions options) =>
        Errors(options) is { Count: > 0 } errors ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;

    private void CheckAll(StarlingOptions options)
    {
        _problems.Text(options.DisplayName, IdentifyCodec.MaxDisplayNameLength, nameof(options.DisplayName));
        _problems.Text(options.AgentVersion, IdentifyCodec.MaxTextLength, nameof(options.AgentVersion));
        if (options.IdentityFile is { } file && string.IsNullOrWhiteSpace(file)) _problems.Add(nameof(options.IdentityFile), file, "is empty", "name a file or leave the option out");
        if (options.Admin is { } socket && string.IsNullOrWhiteSpace(socket)) _problems.Add(nameof(options.Admin), socket, "is empty", "name a path, or leave the option out");
        Addresses(options.Listen, 64, nameof(options.Listen), "/ip4/127.0.0.1/tcp/0");
        foreach (var text in options.Listen)
        {
            if (Parse(text).Address?.PeerId is not null) _problems.Add(nameof(options.Listen), text, "names a peer", "leave /p2p/… away: a node listens as itself");
        }

        Addresses(options.Bootstrap, 256, nameof(options.Bootstrap), "/ip4/192.0.2.1/tcp/4001/p2p/ID");
        AnnouncedAddresses.Check(options.Announce, nameof(options.Announce), _problems);
        if (options.Bootstrap.Count == 0 && options.Discovery.Providers.Contains("bootstrap")) _problems.Add("Discovery:Providers", "bootstrap", "has nobody to dial", $"give addresses in {nameof(options.Bootstrap)}");
        foreach (var text in options.Security.Where(text => !SecurityNames.Contains(text)))
        {
            _problems.Add(nameof(options.Security), text, "is no security protocol", $"use {string.Join(" or ", SecurityNames)}");
        }

        if (options.Security.Distinct().Count() != options.Security.Count) _problems.Add(nameof(options.Security), string.Join(", ", options.Security), "names one twice", "name each once");
        if (!Enum.IsDefined(options.Role)) _problems.Add(nameof(options.Role), options.Role, "is no role", $"use {string.Join(" or ", Enum.GetNames<NodeRole>())}");
        if (options.Role == NodeRole.Root && options.Peers.File is { } book) _problems.Add("Peers:File", book, "is a file of peers, and a root keeps none", "leave it out, or start the node as a member");
        if (options.Role == NodeRole.Root && !options.Spread.Relay) _problems.Add("Spread:Relay", false, "leaves a root nothing to do", "leave it on");
        _problems.Least(options.MaxLinks, 1, nameof(options.MaxLinks));
        _problems.Least(options.MaxHandshakes, 1, nameof(options.MaxHandshakes));
        _problems.Least(options.MaxStreams, 1, nameof(options.MaxStreams));
        _problems.Least(options.MaxStreamsPerPeer, 4, nameof(options.MaxStreamsPerPeer));
        _problems.Least(options.MaxWindowBytes, 1, nameof(options.MaxWindowBytes));
        _problems.Least(options.MaxQueueBytes, 1, nameof(options.MaxQueueBytes));
        _problems.Least(options.EventQueue, 1, nameof(options.EventQueue));
        _problems.Positive(options.DialTimeout, nameof(options.DialTimeout));
        _problems.Positive(options.HandshakeTimeout, nameof(options.HandshakeTimeout));
        _problems.Positive(options.IdentifyTimeout, nameof(options.IdentifyTimeout));
        _problems.Positive(options.StopTimeout, nameof(options.StopTimeout));
    }

    private void Addresses(IList<string> texts, int max, string name, string example)
    {
        if (texts.Count > max) _problems.Add(name, $"{texts.Count} addresses", $"are more than {max}", "leave some out");
        foreach (var text in texts)
        {
            if (Parse(text).Error is { } why) _problems.Add(name, text, $"is no address ({why})", $"write it like {example}");
        }
    }

    private static (Multiaddr? Address, string? Error) Parse(string text)
    {
        try
        {
            return (Multiaddr.ParseUserInput(text), null);
        }
        catch (FormatException error)
        {
            return (null, error.Message);
        }
    }
}
