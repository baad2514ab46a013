namespace Starling;

/// <summary>How a <see cref="ControllerClient"/> reaches its controller.</summary>
public sealed class ControllerClientOptions : ICheckedOptions
{
    /// <summary>Where the controller is, such as <c>http://192.0.2.1:8800</c>. Required.</summary>
    public Uri? Address { get; set; }

    /// <summary>The token that the controller was started with, or null to use <see cref="TokenFile"/>.</summary>
    public string? Token { get; set; }

    /// <summary>A file whose first line is the token; read at each start of a call, so that it may be replaced. Default null.</summary>
    public string? TokenFile { get; set; }

    /// <summary>Pause after the first failure of a call. Default 0.5 seconds, more than zero. Doubles with each further one, jittered.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest pause. Default 15 seconds, more than zero.</summary>
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Time for one call; a wait for the start lasts as many calls as it takes. Default 60 seconds, more than zero.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        if (Address is not { IsAbsoluteUri: true, Scheme: "http" or "https" }) problems.Add(nameof(Address), Address, "is no address of a controller", "write it like http://192.0.2.1:8800");
        problems.Positive(FirstPause, nameof(FirstPause));
        problems.Positive(LongestPause, nameof(LongestPause));
        problems.Positive(CallTimeout, nameof(CallTimeout));
    }
}
