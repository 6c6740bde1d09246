using System.Reflection;

namespace UnixLoop.Process.Tests.Architecture;

/// <summary>Which room may use which (docs/architecture.md).</summary>
public sealed class RoomArrowsTests
{
    private static readonly Assembly Loop = typeof(IUnixEventLoop).Assembly;
    private static readonly Assembly Hosting = Assembly.Load("UnixLoop.Hosting");

    /// <summary>Each room of src/Loop with the rooms that it may use.</summary>
    private static readonly Dictionary<string, string[]> Allowed = Layered(
    [
        ["Interop", "Diagnostics"],
        ["Selector", "Timers", "Scheduling", "Signals"],
        [Rooms.Top],
        ["Transports"],
        ["Children"],
        ["Subprocesses"],
        ["Init"],
    ]);

    [Fact]
    public void LoopRooms_Arrows_PointDownwards()
    {
        Rooms rooms = new("src/Loop");
        Findings.AreNone(rooms.Ambiguous);
        Findings.AreNone(Forbidden(rooms.Arrows(Loop)));
    }

    [Fact]
    public void LoopRooms_Folders_AreTheOnesOfTheMap()
    {
        string[] folders = [.. Directory.GetDirectories(Path.Combine(Repository.Root, "src/Loop")).Select(Path.GetFileName)
            .OfType<string>().Where(name => name is not ("bin" or "obj" or "native"))];
        Findings.AreNone(folders.Except(Allowed.Keys));
    }

    [Fact]
    public void LoopRooms_ArrowsWereFound_SoTheScanWorks()
    {
        Rooms rooms = new("src/Loop");
        Assert.Contains(("Selector", "Interop"), rooms.Arrows(Loop).Keys);
        Assert.Contains((Rooms.Top, "Selector"), rooms.Arrows(Loop).Keys);
    }

    [Fact]
    public void HostingRooms_KestrelAndSystemd_NeverSeeEachOther()
    {
        Rooms rooms = new("src/Hosting");
        Findings.AreNone(rooms.Ambiguous);
        IReadOnlyDictionary<(string From, string To), string> arrows = rooms.Arrows(Hosting);
        Assert.DoesNotContain(("Kestrel", "Systemd"), arrows.Keys);
        Assert.DoesNotContain(("Systemd", "Kestrel"), arrows.Keys);
    }

    [Fact]
    public void Loop_References_KnowNothingOfHosting()
    {
        string[] names = [.. Loop.GetReferencedAssemblies().Select(name => name.Name!)];
        Assert.DoesNotContain(names, name => name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal)
            && name is not "Microsoft.Extensions.Logging.Abstractions");
        Assert.DoesNotContain("UnixLoop.Hosting", names);
        Assert.DoesNotContain(TypesUsedBy(Loop), type => type == typeof(IServiceProvider));
    }

    [Fact]
    public void Hosting_References_KnowNothingOfTheSystemLayer()
    {
        Assert.DoesNotContain(Hosting.GetReferencedAssemblies(), name => name.Name == "Tmds.LibC");
        Assert.DoesNotContain(Loop.GetCustomAttributes<System.Runtime.CompilerServices.InternalsVisibleToAttribute>(),
            friend => friend.AssemblyName == "UnixLoop.Hosting");
    }

    private static IEnumerable<string> Forbidden(IReadOnlyDictionary<(string From, string To), string> arrows) =>
        arrows.Where(arrow => !Allowed.TryGetValue(arrow.Key.From, out string[]? targets) || !targets.Contains(arrow.Key.To))
            .Select(arrow => arrow.Value);

    private static IEnumerable<Type> TypesUsedBy(Assembly assembly) => assembly.GetTypes().SelectMany(TypeReferences.Of).Distinct();

    /// <summary>A room may use every room of the layers below its own.</summary>
    private static Dictionary<string, string[]> Layered(string[][] layers)
    {
        Dictionary<string, string[]> allowed = new(StringComparer.Ordinal);
        string[] below = [];
        foreach (string[] layer in layers)
        {
            foreach (string room in layer)
                allowed[room] = below;
            below = [.. below, .. layer];
        }
        return allowed;
    }
}
