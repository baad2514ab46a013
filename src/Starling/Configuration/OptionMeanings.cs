using System.Collections.Concurrent;
using System.Reflection;
using System.Xml;
using System.Xml.Linq;

namespace Starling;

/// <summary>The documentation of options, from the XML files that ship beside the assemblies.</summary>
internal static class OptionMeanings
{
    private static readonly ConcurrentDictionary<Assembly, Dictionary<string, string>> Files = new();

    /// <summary>Summary and remarks of a property as plain text; empty when its file is not there.</summary>
    public static string Of(PropertyInfo property) =>
        Files.GetOrAdd(property.DeclaringType!.Assembly, Load).GetValueOrDefault($"P:{property.DeclaringType.FullName}.{property.Name}", "");

    private static Dictionary<string, string> Load(Assembly assembly)
    {
        var path = Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + ".xml");
        var meanings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!File.Exists(path)) return meanings;
        using var reader = XmlReader.Create(path, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
        foreach (var member in XDocument.Load(reader).Descendants("member"))
        {
            if (member.Attribute("name")?.Value is { } name && name.StartsWith("P:", StringComparison.Ordinal))
                meanings.TryAdd(name, string.Join(" ", member.Elements().Where(part => part.Name.LocalName is "summary" or "remarks").Select(Plain)));
        }

        return meanings;
    }

    private static string Plain(XElement element) => string.Join(' ', string.Concat(element.DescendantNodes().Select(Plain)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static string Plain(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" or "paramref" or "typeparamref" } link => (link.Attribute("cref") ?? link.Attribute("name") ?? link.Attribute("langword"))?.Value.Split('(')[0].Split('.', ':')[^1] ?? "",
        _ => "",
    };
}
