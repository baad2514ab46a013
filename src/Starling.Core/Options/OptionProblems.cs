namespace Starling;

/// <summary>Options of one part of a node, which can say what is wrong with them.</summary>
public interface ICheckedOptions
{
    /// <summary>Adds everything that is wrong.</summary>
    void Check(OptionProblems problems);
}

/// <summary>Collects what is wrong with options: for each wrong value its path, why it is wrong and what to do. Not safe for several threads.</summary>
public sealed class OptionProblems
{
    private readonly List<string> _all = [];
    private readonly string _path;

    /// <summary>Starts empty.</summary>
    /// <param name="path">Where the options are, such as <c>Links</c>; empty for the top.</param>
    public OptionProblems(string path = "") => _path = path;

    /// <summary>Everything that is wrong; empty when nothing is.</summary>
    public IReadOnlyList<string> All => _all;

    /// <summary>Throws when the options are wrong; for the constructors of what takes them.</summary>
    /// <exception cref="ArgumentException">They are; the message says what and what to do.</exception>
    public static void ThrowIfAny(ICheckedOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var problems = new OptionProblems();
        options.Check(problems);
        if (problems._all.Count > 0) throw new ArgumentException(string.Join(" ", problems._all), nameof(options));
    }

    /// <summary>A value is wrong.</summary>
    /// <param name="name">The option's name.</param>
    /// <param name="value">What it is.</param>
    /// <param name="wrong">Why it is wrong, as in “is too small”.</param>
    /// <param name="remedy">What to do, as in “use at least 1”.</param>
    public void Add(string name, object? value, string wrong, string remedy) =>
        _all.Add($"Starling option {(_path.Length == 0 ? name : $"{_path}:{name}")}: '{value}' {wrong}; {remedy}.");

    /// <summary>Adds what is wrong with options below these.</summary>
    public void Within(string name, ICheckedOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var below = new OptionProblems(_path.Length == 0 ? name : $"{_path}:{name}");
        options.Check(below);
        _all.AddRange(below._all);
    }

    /// <summary>A number must not be smaller than a bound.</summary>
    public void Least(long value, long least, string name)
    {
        if (value < least) Add(name, value, "is too small", $"use at least {least}");
    }

    /// <summary>A number must lie within bounds, both included.</summary>
    public void Within(long value, long least, long most, string name)
    {
        if (value < least || value > most) Add(name, value, "is out of range", $"use a value from {least} to {most}");
    }

    /// <summary>A fraction must lie within bounds, both included.</summary>
    public void Within(double value, double least, double most, string name)
    {
        if (!(value >= least && value <= most)) Add(name, value, "is out of range", $"use a value from {least} to {most}");
    }

    /// <summary>A time must be more than zero and at most a day.</summary>
    public void Positive(TimeSpan value, string name)
    {
        if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1)) Add(name, value, "is out of range", "use a time span above zero and up to one day");
    }

    /// <summary>A time must not be negative, nor more than a day.</summary>
    public void NotNegative(TimeSpan value, string name)
    {
        if (value < TimeSpan.Zero || value > TimeSpan.FromDays(1)) Add(name, value, "is out of range", "use a time span from zero to one day");
    }

    /// <summary>A text must not be longer than a bound nor hold control characters.</summary>
    public void Text(string? text, int most, string name)
    {
        if (text is null) return;
        var shown = new string([.. text.Take(32).Where(letter => !char.IsControl(letter))]);
        if (text.Length > most) Add(name, $"{shown}…", $"has {text.Length} characters", $"use at most {most}");
        if (text.Any(char.IsControl)) Add(name, shown, "holds a control character", "remove it");
    }
}
