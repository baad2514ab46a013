using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Starling.Protocols.Links;

namespace Starling;

/// <summary>Checks options and says of each wrong value what it is, why it is wrong and what to do.</summary>
internal sealed class OptionsCheck : IValidateOptions<StarlingOptions>
{
    private static readonly string[] SecurityNames = ["tls", "noise"];
    private readonly List<string> _errors = [];

    /// <summary>Everything that is wrong; empty when nothing is.</summary>
    public static IReadOnlyList<string> Errors(StarlingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var check = new OptionsCheck();
        check.CheckAll(options);
        return check._errors;
    }

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, StarlingOptions options) =>
        Errors(options) is { Count: > 0 } errors ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;

    private void CheckAll(StarlingOptions options)
    {
        Text(options.DisplayName, IdentifyCodec.MaxDisplayNameLength, nameof(options.DisplayName));
        Text(options.AgentVersion, IdentifyCodec.MaxTextLength, nameof(options.AgentVersion));
        if (options.IdentityFile is { } file && string.IsNullOrWhiteSpace(file)) Add(nameof(options.IdentityFile), file, "is empty", "name a file or leave the option out");
        Addresses(options.Listen, 64, nameof(options.Listen), "/ip4/127.0.0.1/tcp/0");
        foreach (var text in options.Listen)
        {
            if (Parse(text).Address?.PeerId is not null) Add(nameof(options.Listen), text, "names a peer", "leave /p2p/… away: a node listens as itself");
        }

        Addresses(options.Bootstrap, 256, nameof(options.Bootstrap), "/ip4/192.0.2.1/tcp/4001/p2p/ID");
        foreach (var text in options.MdnsInterfaces)
        {
            if (!IPAddress.TryParse(text, out var ip) || ip.AddressFamily != AddressFamily.InterNetwork) Add(nameof(options.MdnsInterfaces), text, "is no IPv4 address", "name the interface by its own IPv4 address, such as 127.0.0.1");
        }

        if (options.MdnsInterfaces.Count > 64) Add(nameof(options.MdnsInterfaces), $"{options.MdnsInterfaces.Count} addresses", "are more than 64", "leave some out");
        if (options.MdnsInterfaces.Distinct().Count() != options.MdnsInterfaces.Count) Add(nameof(options.MdnsInterfaces), string.Join(", ", options.MdnsInterfaces), "names one twice", "name each once");
        foreach (var text in options.Security.Where(text => !SecurityNames.Contains(text)))
        {
            Add(nameof(options.Security), text, "is no security protocol", $"use {string.Join(" or ", SecurityNames)}");
        }

        if (options.Security.Distinct().Count() != options.Security.Count) Add(nameof(options.Security), string.Join(", ", options.Security), "names one twice", "name each once");
        Least(options.MdnsPort, 1, nameof(options.MdnsPort));
        if (options.MdnsPort > 65535) Add(nameof(options.MdnsPort), options.MdnsPort, "is no UDP port", "use a value from 1 to 65535");
        Least(options.MaxLinks, 1, nameof(options.MaxLinks));
        Least(options.MaxHandshakes, 1, nameof(options.MaxHandshakes));
        Least(options.MaxStreams, 1, nameof(options.MaxStreams));
        Least(options.MaxStreamsPerPeer, 4, nameof(options.MaxStreamsPerPeer));
        Least(options.MaxWindowBytes, 1, nameof(options.MaxWindowBytes));
        Least(options.MaxQueueBytes, 1, nameof(options.MaxQueueBytes));
        Least(options.EventQueue, 1, nameof(options.EventQueue));
        Positive(options.DialTimeout, nameof(options.DialTimeout));
        Positive(options.HandshakeTimeout, nameof(options.HandshakeTimeout));
        Positive(options.IdentifyTimeout, nameof(options.IdentifyTimeout));
        Positive(options.KeepAliveInterval, nameof(options.KeepAliveInterval));
        Positive(options.KeepAliveTimeout, nameof(options.KeepAliveTimeout));
        Positive(options.StopTimeout, nameof(options.StopTimeout));
        if (options.RoundTripInterval < TimeSpan.Zero) Add(nameof(options.RoundTripInterval), options.RoundTripInterval, "is negative", "use zero to take no samples");
    }

    private void Addresses(IList<string> texts, int max, string name, string example)
    {
        if (texts.Count > max) Add(name, $"{texts.Count} addresses", $"are more than {max}", "leave some out");
        foreach (var text in texts)
        {
            if (Parse(text).Error is { } why) Add(name, text, $"is no address ({why})", $"write it like {example}");
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

    private void Text(string? text, int max, string name)
    {
        if (text is null) return;
        if (text.Length > max) Add(name, $"{text[..16]}…", $"has {text.Length} characters", $"use at most {max}");
        if (text.Any(char.IsControl)) Add(name, IdentifyCodec.Clean(text, max), "holds a control character", "remove it");
    }

    private void Least(long value, long least, string name)
    {
        if (value < least) Add(name, value, "is too small", $"use at least {least}");
    }

    private void Positive(TimeSpan value, string name)
    {
        if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1)) Add(name, value, "is out of range", "use a time span above zero and up to one day");
    }

    private void Add(string name, object value, string wrong, string remedy) => _errors.Add($"Starling option {name}: '{value}' {wrong}; {remedy}.");
}
