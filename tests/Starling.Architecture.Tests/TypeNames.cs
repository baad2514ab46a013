using System.Reflection;

namespace Starling.Architecture.Tests;

/// <summary>Types as C# writes them, with nullable reference types marked.</summary>
internal static class TypeNames
{
    private static readonly NullabilityInfoContext Nullability = new();

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(double)] = "double",
        [typeof(float)] = "float",
        [typeof(decimal)] = "decimal",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    public static string Of(ParameterInfo parameter)
    {
        lock (Nullability) return Of(Nullability.Create(parameter), parameter.ParameterType);
    }

    public static string Of(PropertyInfo property)
    {
        lock (Nullability) return Of(Nullability.Create(property), property.PropertyType);
    }

    public static string Of(Type type)
    {
        if (type.IsByRef) return Of(type.GetElementType()!);
        if (type.IsArray) return Of(type.GetElementType()!) + "[]";
        if (Nullable.GetUnderlyingType(type) is { } inner) return Of(inner) + "?";
        return Name(type, [.. type.GetGenericArguments().Select(Of)]);
    }

    /// <summary>The name with its namespace, for a declaration.</summary>
    public static string FullOf(Type type)
    {
        var outer = type.IsNested ? FullOf(type.DeclaringType!) : type.Namespace;
        var own = type.Name.Split('`')[0];
        var inherited = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        var generics = type.GetGenericArguments().Skip(inherited).Select(one => one.Name).ToList();
        return $"{outer}.{own}" + (generics.Count > 0 ? $"<{string.Join(", ", generics)}>" : "");
    }

    private static string Of(NullabilityInfo info, Type type)
    {
        if (type.IsByRef) type = type.GetElementType()!;
        var optional = !type.IsValueType && info.ReadState == NullabilityState.Nullable ? "?" : "";
        if (type.IsArray && info.ElementType is { } element) return Of(element, type.GetElementType()!) + "[]" + optional;
        if (Nullable.GetUnderlyingType(type) is not null || info.GenericTypeArguments.Length == 0) return Of(type) + optional;
        var arguments = type.GetGenericArguments();
        return Name(type, [.. info.GenericTypeArguments.Select((one, index) => Of(one, arguments[index]))]) + optional;
    }

    private static string Name(Type type, string[] arguments)
    {
        if (Keywords.TryGetValue(type, out var keyword)) return keyword;
        if (type.IsGenericParameter) return type.Name;
        var name = type.Name.Split('`')[0];
        if (type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true) return $"({string.Join(", ", arguments)})";
        if (type.IsNested) name = $"{type.DeclaringType!.Name.Split('`')[0]}.{name}";
        return arguments.Length > 0 ? $"{name}<{string.Join(", ", arguments)}>" : name;
    }
}
