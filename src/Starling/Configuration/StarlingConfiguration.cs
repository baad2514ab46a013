using System.Collections;
using System.ComponentModel;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Starling;

/// <summary>Reads options from configuration, and describes them.</summary>
public static class StarlingConfiguration
{
    /// <summary>The section that holds a node's options where a configuration holds other things as well.</summary>
    public const string SectionName = "Starling";

    /// <summary>Reads the options of a node: from the section <see cref="SectionName"/> if there is one, else from the whole.</summary>
    /// <exception cref="StarlingException">A key is unknown or a value wrong; the message has a line for each with its path, what is wrong and what to do.</exception>
    public static StarlingOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var section = configuration.GetSection(SectionName);
        var options = new StarlingOptions();
        var problems = Bind(section.Exists() ? section : configuration, options);
        if (problems.Count == 0) problems = OptionsCheck.Errors(options);
        return problems.Count == 0 ? options : throw new StarlingException(string.Join(Environment.NewLine, problems));
    }

    /// <summary>Every option in the order of its declaration, parts within parts.</summary>
    public static IEnumerable<OptionDescription> Describe(StarlingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Describe(options, "");
    }

    /// <summary>Sets options from configuration and returns everything that cannot be read, each with its path.</summary>
    internal static IReadOnlyList<string> Bind(IConfiguration configuration, StarlingOptions options)
    {
        var problems = new List<string>();
        Check(configuration, typeof(StarlingOptions), "", problems);
        if (problems.Count == 0) configuration.Bind(options);
        return problems;
    }

    /// <summary>The properties of an options class that can come from configuration, inherited ones last.</summary>
    private static IEnumerable<PropertyInfo> Options(Type type) => type
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(one => IsPart(one.PropertyType) || (one.SetMethod is { IsPublic: true } && (IsValue(one.PropertyType) || ItemOf(one.PropertyType) is not null)));

    private static IEnumerable<OptionDescription> Describe(object options, string path)
    {
        foreach (var property in Options(options.GetType()))
        {
            var name = path.Length == 0 ? property.Name : $"{path}:{property.Name}";
            var value = property.GetValue(options);
            var isPart = IsPart(property.PropertyType);
            yield return new OptionDescription(name, isPart ? null : Texts(value), ItemOf(property.PropertyType) is not null, isPart, OptionMeanings.Of(property));
            if (!isPart || value is null) continue;
            foreach (var below in Describe(value, name)) yield return below;
        }
    }

    private static void Check(IConfiguration configuration, Type type, string path, List<string> problems)
    {
        var known = Options(type).ToList();
        foreach (var child in configuration.GetChildren())
        {
            var name = path.Length == 0 ? child.Key : $"{path}:{child.Key}";
            if (known.Find(one => one.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase)) is not { } property)
            {
                problems.Add($"Starling option {name}: there is no such option; {Advice(child.Key, known)}.");
            }
            else if (IsPart(property.PropertyType))
            {
                if (child.Value is { Length: > 0 } single) problems.Add($"Starling option {name}: '{single}' is a single value; this option has parts: {string.Join(", ", Options(property.PropertyType).Select(one => one.Name))}.");
                else Check(child, property.PropertyType, name, problems);
            }
            else if (ItemOf(property.PropertyType) is { } item)
            {
                if (child.Value is { Length: > 0 } single) problems.Add($"Starling option {name}: '{single}' is a single value; write a list, such as [ \"{single}\" ].");
                foreach (var entry in child.GetChildren()) CheckValue(entry, item, $"{name}:{entry.Key}", problems);
            }
            else
            {
                CheckValue(child, property.PropertyType, name, problems);
            }
        }
    }

    private static void CheckValue(IConfigurationSection section, Type type, string path, List<string> problems)
    {
        if (section.GetChildren().Any())
        {
            problems.Add($"Starling option {path}: it has parts or a list where {Kind(type)} is wanted; write a single value.");
            return;
        }

        var target = Nullable.GetUnderlyingType(type) ?? type;
        if (section.Value is not { } text)
        {
            if (target.IsValueType && target == type) problems.Add($"Starling option {path}: null is not {Kind(type)}; leave the option out for its default.");
            return;
        }

        try
        {
            if (target != typeof(string)) TypeDescriptor.GetConverter(target).ConvertFromInvariantString(text);
        }
        catch (Exception error) when (error is FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            problems.Add($"Starling option {path}: '{text}' is not {Kind(type)}.");
        }
    }

    private static string Kind(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var value when value == typeof(bool) => "true or false",
        var value when value == typeof(TimeSpan) => "a time, written hours:minutes:seconds as in 00:00:15",
        var value when value.IsEnum => $"one of {string.Join(", ", Enum.GetNames(value))}",
        var value when value == typeof(string) => "a text",
        var value when value == typeof(double) || value == typeof(float) || value == typeof(decimal) => "a number",
        var value when value.IsPrimitive => "a whole number in its range",
        var value => $"a {value.Name}",
    };

    private static string Advice(string wrong, List<PropertyInfo> known)
    {
        var near = known.Select(one => (one.Name, Distance: Distance(wrong.ToUpperInvariant(), one.Name.ToUpperInvariant()))).MinBy(one => one.Distance);
        return near.Distance <= Math.Max(2, near.Name.Length / 4) ? $"{near.Name} is near" : $"there are {string.Join(", ", known.Select(one => one.Name))}";
    }

    /// <summary>Letters to add, remove or replace to get from one word to the other.</summary>
    private static int Distance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (from[i - 1] == to[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }

    private static bool IsPart(Type type) => typeof(ICheckedOptions).IsAssignableFrom(type) && type.IsClass;

    private static bool IsValue(Type type)
    {
        var target = Nullable.GetUnderlyingType(type) ?? type;
        return target == typeof(string) || target.IsPrimitive || target.IsEnum || target == typeof(TimeSpan) || target == typeof(decimal) || target == typeof(Uri);
    }

    private static Type? ItemOf(Type type)
    {
        var item = type.IsArray ? type.GetElementType()
            : type.IsGenericType && type.GetGenericTypeDefinition() is var open && (open == typeof(IList<>) || open == typeof(List<>) || open == typeof(IReadOnlyList<>)) ? type.GetGenericArguments()[0]
            : null;
        return item is not null && IsValue(item) ? item : null;
    }

    private static IReadOnlyList<string> Texts(object? value) => value switch
    {
        null => [],
        string text => [text],
        IEnumerable many => [.. many.Cast<object>().Select(Text)],
        _ => [Text(value)],
    };

    private static string Text(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}

/// <summary>One option of a node.</summary>
/// <param name="Path">Its configuration key, parts joined by colons.</param>
/// <param name="Values">Its value as text, invariant; several for a list, none for null; null for a part.</param>
/// <param name="IsList">Whether it is a list.</param>
/// <param name="IsPart">Whether it only holds the options that follow below it.</param>
/// <param name="Meaning">What it means, as its documentation says; empty when that is not shipped beside the program.</param>
public sealed record OptionDescription(string Path, IReadOnlyList<string>? Values, bool IsList, bool IsPart, string Meaning);
