using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Starling.Web;

/// <summary>What a controller is told at its start.</summary>
public sealed class ControllerOptions : ICheckedOptions
{
    /// <summary>Where it listens. Default 127.0.0.1:8800; anything but loopback is an explicit choice. Port 0 takes a free one.</summary>
    public IPEndPoint Listen { get; set; } = new(IPAddress.Loopback, 8800);

    /// <summary>Nodes that the start waits for. Default 1, from 1 to 100,000.</summary>
    public int Nodes { get; set; } = 1;

    /// <summary>What a node must show. From 16 to 512 visible ASCII characters; required.</summary>
    public string Token { get; set; } = "";

    /// <summary>The server's certificate with its private key, for HTTPS; null serves plain HTTP, which shows the token to whoever can read the network. Stays the caller's.</summary>
    public X509Certificate2? Certificate { get; set; }

    /// <summary>Registrations kept. Default 100,000, at least <see cref="Nodes"/>; about 1 KiB each, at most 33 KiB. One more is refused.</summary>
    public int MaxRegistrations { get; set; } = 100_000;

    /// <summary>Time after which a node that does not call any more is forgotten, as long as the start has not come. Default 60 seconds, more than zero.</summary>
    /// <remarks>So a node that died, or came back with another identity, does not count.</remarks>
    public TimeSpan RegistrationTime { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Time that a call may wait for the start before it is answered with how far it is. Default 20 seconds, more than zero; less than <see cref="RegistrationTime"/>.</summary>
    public TimeSpan LongPoll { get; set; } = TimeSpan.FromSeconds(20);

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Within(Nodes, 1, 100_000, nameof(Nodes));
        problems.Least(MaxRegistrations, Nodes, nameof(MaxRegistrations));
        if (Token.Length is < 16 or > 512 || Token.Any(letter => letter is <= ' ' or > '~'))
        {
            // The token itself is a secret and is not shown.
            problems.Add(nameof(Token), "…", "is no token", "use 16 to 512 visible ASCII characters without spaces");
        }

        problems.Positive(RegistrationTime, nameof(RegistrationTime));
        problems.Positive(LongPoll, nameof(LongPoll));
        if (LongPoll >= RegistrationTime) problems.Add(nameof(LongPoll), LongPoll, "is not less than RegistrationTime", "make it shorter");
    }
}
