using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Architecture;

/// <summary>Native code is called in the folders named Interop alone, and never through Tmds.LibC, which musl can't load.</summary>
public sealed partial class NativeImportTests
{
    private static readonly Assembly[] Shipped = [typeof(IUnixEventLoop).Assembly, Assembly.Load("UnixLoop.Hosting")];

    [Fact]
    public void Sources_NativeImports_StandInInteropOnly()
    {
        IEnumerable<string> files = Repository.SourceFiles("src").Where(file => Import.IsMatch(Repository.ReadCode(file)));
        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.Equal("Interop", Path.GetFileName(Path.GetDirectoryName(file))));
    }

    [Fact]
    public void Samples_NativeImports_None()
    {
        IEnumerable<string> files = Repository.SourceFiles("samples").Where(file => Import.IsMatch(Repository.ReadCode(file)));
        Findings.AreNone(files.Select(Repository.Relative));
    }

    [Fact]
    public void Assemblies_PInvokes_StandInAnInteropNamespace()
    {
        MethodInfo[] imports = [.. Shipped.SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))];
        Assert.NotEmpty(imports);
        Assert.All(imports, import => Assert.EndsWith(".Interop", import.DeclaringType!.Namespace, StringComparison.Ordinal));
    }

    [Fact]
    public void Assemblies_TmdsLibC_GivesConstantsAlone()
    {
        string[] functions = [.. Shipped.SelectMany(MembersOfLibC).Where(name => !name.StartsWith("get_", StringComparison.Ordinal))];
        Findings.AreNone(functions);
        Assert.NotEmpty(MembersOfLibC(Shipped[0]));
    }

    private static IEnumerable<string> MembersOfLibC(Assembly assembly)
    {
        using PEReader file = new(File.OpenRead(assembly.Location));
        MetadataReader reader = file.GetMetadataReader();
        List<string> names = [];
        foreach (MemberReferenceHandle handle in reader.MemberReferences)
        {
            MemberReference member = reader.GetMemberReference(handle);
            if (member.Parent.Kind != HandleKind.TypeReference || member.GetKind() != MemberReferenceKind.Method)
                continue;
            TypeReference parent = reader.GetTypeReference((TypeReferenceHandle)member.Parent);
            if (reader.GetString(parent.Namespace) == "Tmds.Linux" && reader.GetString(parent.Name) == "LibC")
                names.Add(reader.GetString(member.Name));
        }
        return names;
    }

    [GeneratedRegex(@"\b(DllImport|LibraryImport|NativeLibrary\.Load|NativeLibrary\.TryLoad)\b")]
    private static partial Regex Import { get; }
}
