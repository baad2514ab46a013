using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;

namespace Starling.Cli.Verbs;

/// <summary>Options that several verbs share, each checked while the command line is read.</summary>
internal static class Common
{
    public static Option<bool> Json(string what) => new("--json") { Description = $"Print {what} as JSON on standard output, one object a line." };

    public static Option<string?> Identity() => new("--identity")
    {
        Description = "Key file of the node; made, readable by you alone, where there is none. Without it the identity is new and kept nowhere.",
        HelpName = "FILE",
    };

    public static Option<string?> Admin() => new("--admin")
    {
        Description = "Path of a socket through which 'starling topics', 'peers' and others may look at this node while it runs. Default: none.",
        HelpName = "PATH",
    };

    public static Option<Multiaddr[]> Connect() => Addresses("--connect", "Peer to link with, as multiaddress or host:port. May be given several times.");

    public static Option<Multiaddr[]> Listen() => Addresses(
        "--listen", "Address to accept links on. May be given several times. Default /ip4/127.0.0.1/tcp/0: this machine only, a free port.");

    public static Argument<Multiaddr> Address() => new("ADDR")
    {
        Description = "The peer, as multiaddress or host:port.",
        CustomParser = result => Parse(result, result.Tokens[0].Value),
    };

    public static Argument<string> Topic()
    {
        var topic = new Argument<string>("TOPIC") { Description = "Name of the topic." };
        topic.Validators.Add(result =>
        {
            if (string.IsNullOrEmpty(result.GetValueOrDefault<string>())) result.AddError("The topic's name is empty");
        });
        return topic;
    }

    /// <summary>A whole number with bounds, both included.</summary>
    public static Option<int?> Whole(string name, string help, string description, int least, int most) => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most) return value;
            result.AddError($"{name} takes a whole number from {least} to {most}, not '{text}'");
            return null;
        },
    };

    /// <summary>A time in seconds, fractions allowed.</summary>
    public static Option<TimeSpan?> Seconds(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SECONDS",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            const int day = 86_400;
            if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and <= day)
                return TimeSpan.FromSeconds(seconds);
            result.AddError($"{name} takes seconds, more than 0 and at most {day}, not '{text}'");
            return null;
        },
    };

    /// <summary>on or off; on when not given.</summary>
    /// <remarks>Not an option of <see cref="bool"/>: the parser would take no other word than true or false behind one.</remarks>
    public static Option<Switch> OnOff(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "on|off",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (text is not ("on" or "off")) result.AddError($"{name} takes on or off, not '{text}'");
            return text == "on" ? Switch.On : Switch.Off;
        },
        DefaultValueFactory = _ => Switch.On,
    };

    public static Option<IPAddress[]> Interfaces() => new("--interface")
    {
        Description = "Address of a network interface to discover peers on. May be given several times. Default 127.0.0.1: this machine only.",
        HelpName = "IP",
        CustomParser = result => [.. result.Tokens.Select(token => ParseIp(result, token.Value))],
        DefaultValueFactory = _ => [],
    };

    private static Option<Multiaddr[]> Addresses(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "ADDR",
        CustomParser = result => [.. result.Tokens.Select(token => Parse(result, token.Value)!)],
        DefaultValueFactory = _ => [],
    };

    public static Multiaddr? Parse(ArgumentResult result, string text)
    {
        try
        {
            return Multiaddr.ParseUserInput(text);
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return null;
        }
    }

    private static IPAddress ParseIp(ArgumentResult result, string text)
    {
        if (IPAddress.TryParse(text, out var address)) return address;
        result.AddError($"--interface takes the IP address of an interface, not '{text}'");
        return IPAddress.None;
    }
}

/// <summary>What an option of on and off says.</summary>
internal enum Switch
{
    On,
    Off,
}
