namespace Starling.Cli.Doctor;

/// <summary>How bad a finding is.</summary>
internal enum Health
{
    Good,
    Doubtful,
    Bad,
}

/// <summary>What the doctor found, and what to do about it.</summary>
/// <param name="Health">How bad it is.</param>
/// <param name="Subject">What was looked at.</param>
/// <param name="Text">What was found, in plain words.</param>
/// <param name="Advice">What to do; empty when nothing.</param>
internal sealed record Finding(Health Health, string Subject, string Text, string Advice = "");
