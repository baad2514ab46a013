using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Starling.Architecture.Tests;

/// <summary>What a compiled assembly refers to, read from its metadata without loading it.</summary>
internal sealed record AssemblyFacts(IReadOnlySet<string> Assemblies, IReadOnlySet<string> Types, IReadOnlyList<string> Friends)
{
    public static AssemblyFacts Of(string project)
    {
        using var file = new PEReader(File.OpenRead(Repository.AssemblyPath(project)));
        var metadata = file.GetMetadataReader();
        return new AssemblyFacts(
            metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).ToHashSet(),
            metadata.TypeReferences.Select(handle => FullName(metadata, handle)).ToHashSet(),
            [.. metadata.GetAssemblyDefinition().GetCustomAttributes().Select(handle => Friend(metadata, handle)).OfType<string>()]);
    }

    private static string FullName(MetadataReader metadata, TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        var name = metadata.GetString(type.Name);
        if (type.ResolutionScope.Kind == HandleKind.TypeReference)
            return FullName(metadata, (TypeReferenceHandle)type.ResolutionScope) + "+" + name;
        return $"{metadata.GetString(type.Namespace)}.{name}";
    }

    private static string? Friend(MetadataReader metadata, CustomAttributeHandle handle)
    {
        var attribute = metadata.GetCustomAttribute(handle);
        if (attribute.Constructor.Kind != HandleKind.MemberReference) return null;
        var type = metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent;
        if (type.Kind != HandleKind.TypeReference) return null;
        if (FullName(metadata, (TypeReferenceHandle)type) != "System.Runtime.CompilerServices.InternalsVisibleToAttribute") return null;
        var value = metadata.GetBlobReader(attribute.Value);
        value.ReadUInt16();
        return value.ReadSerializedString();
    }
}
