using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Starling.Architecture.Tests;

/// <summary>Writes the public surface of an assembly as text: a block per type, its members sorted, a line each.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetTypes().Where(IsVisible).OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Declaration(type)).Append('\n');
            foreach (var line in Members(type).Order(StringComparer.Ordinal)) text.Append("    ").Append(line).Append('\n');
            text.Append('\n');
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static bool IsVisible(Type type) =>
        !type.Name.StartsWith('<') && (type.IsNested ? (type.IsNestedPublic || type.IsNestedFamily) && IsVisible(type.DeclaringType!) : type.IsPublic);

    private static string Declaration(Type type)
    {
        if (type.BaseType == typeof(MulticastDelegate))
        {
            var invoke = type.GetMethod("Invoke")!;
            return $"delegate {TypeNames.Of(invoke.ReturnParameter)} {TypeNames.FullOf(type)}({Parameters(invoke)})";
        }

        if (type.IsEnum) return $"enum {TypeNames.FullOf(type)} : {TypeNames.Of(Enum.GetUnderlyingType(type))}";
        var kind = type.IsInterface ? "interface"
            : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly struct" : "struct")
            : type is { IsAbstract: true, IsSealed: true } ? "static class"
            : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";
        var inherited = type.GetInterfaces().SelectMany(one => one.GetInterfaces()).Concat(type.BaseType?.GetInterfaces() ?? []);
        var bases = type.GetInterfaces().Except(inherited).Where(one => one.IsVisible).Select(TypeNames.Of).Order(StringComparer.Ordinal).ToList();
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType)) bases.Insert(0, TypeNames.Of(parent));
        return $"{kind} {TypeNames.FullOf(type)}" + (bases.Count > 0 ? " : " + string.Join(", ", bases) : "");
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.BaseType == typeof(MulticastDelegate)) return [];
        if (type.IsEnum)
            return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)}");
        return type.GetConstructors(Declared).Where(IsOpen).Where(method => !method.IsStatic).Select(method => $"{Access(method)}.ctor({Parameters(method)})")
            .Concat(type.GetMethods(Declared).Where(IsOpen).Where(IsWritten).Select(Method))
            .Concat(type.GetProperties(Declared).Where(property => property.GetAccessors(true).Any(IsOpen)).Select(Property))
            .Concat(type.GetEvents(Declared).Where(one => IsOpen(one.AddMethod!)).Select(one => $"event {TypeNames.Of(one.EventHandlerType!)} {one.Name}"))
            .Concat(type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily).Select(Field));
    }

    private static bool IsOpen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    // What the compiler writes for records and properties says nothing that the declaration does not.
    private static bool IsWritten(MethodInfo method) =>
        (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) &&
        !method.Name.StartsWith('<') && !method.IsDefined(typeof(CompilerGeneratedAttribute));

    private static string Method(MethodInfo method) =>
        $"{Access(method)}{(method.IsStatic ? "static " : "")}{TypeNames.Of(method.ReturnParameter)} {method.Name}{Generics(method)}({Parameters(method)})";

    private static string Property(PropertyInfo property)
    {
        var get = property.GetMethod is { } getter && IsOpen(getter) ? " get;" : "";
        var set = property.SetMethod is { } setter && IsOpen(setter) ? IsInit(setter) ? " init;" : " set;" : "";
        var shown = property.GetAccessors(true).First(IsOpen);
        var index = property.GetIndexParameters() is { Length: > 0 } keys ? $"[{string.Join(", ", keys.Select(TypeNames.Of))}]" : "";
        return $"{Access(shown)}{(shown.IsStatic ? "static " : "")}{TypeNames.Of(property)} {property.Name}{index} {{{get}{set} }}";
    }

    private static string Field(FieldInfo field) => field.IsLiteral
        ? $"const {TypeNames.Of(field.FieldType)} {field.Name} = {Literal(field.GetRawConstantValue())}"
        : $"{(field.IsFamily ? "protected " : "")}{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{TypeNames.Of(field.FieldType)} {field.Name}";

    private static bool IsInit(MethodInfo setter) =>
        setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(one => one.Name))}>" : "";

    private static string Parameters(MethodBase method)
    {
        var shown = method.GetParameters().Select(one =>
            $"{(one.IsOut ? "out " : one.ParameterType.IsByRef ? one.IsIn ? "in " : "ref " : "")}{TypeNames.Of(one)} {one.Name}{(one.HasDefaultValue ? " = " + Literal(one.RawDefaultValue) : "")}");
        return (method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "") + string.Join(", ", shown);
    }

    private static string Literal(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
