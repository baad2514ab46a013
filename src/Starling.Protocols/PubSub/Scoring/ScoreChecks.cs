namespace Starling.Protocols.PubSub.Scoring;

/// <summary>The ranges of parameters of the score. All are bounded, so that every score is a finite number.</summary>
internal static class ScoreChecks
{
    private const double Most = 1_000_000;

    /// <summary>A weight of what counts for a neighbour, or an amount.</summary>
    public static void Reward(OptionProblems problems, double value, string name) => problems.Within(value, 0, Most, name);

    /// <summary>A weight of what counts against a neighbour.</summary>
    public static void Penalty(OptionProblems problems, double value, string name)
    {
        if (!(value is >= -Most and <= 0)) problems.Add(name, value, "is out of range: it weighs what counts against a neighbour", "use a negative number down to -1000000, or 0 to leave it out");
    }

    /// <summary>A factor of decay.</summary>
    public static void Decay(OptionProblems problems, double value, string name)
    {
        if (!(value is > 0 and < 1)) problems.Add(name, value, "is no factor of decay", "use a number between 0 and 1, such as 0.99");
    }

    /// <summary>A cap.</summary>
    public static void Above(OptionProblems problems, double value, string name)
    {
        if (!(value is > 0 and <= Most)) problems.Add(name, value, "is out of range", "use a number above 0 and up to 1000000");
    }
}
