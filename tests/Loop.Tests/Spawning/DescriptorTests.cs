using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Spawning;

/// <summary>Which descriptors the child has; each with this C library, and as an old one would have it done.</summary>
public sealed class DescriptorTests : SpawningTest
{
    [Theory, MemberData(nameof(Spawned.Ways), MemberType = typeof(Spawned))]
    public void Rule07_LeakingDescriptors_DoNotReachTheChild(string way)
    {
        // As a library without O_CLOEXEC would have left it; above and below an extra descriptor.
        using SafeFileHandle low = Duplicate(10, closeOnExec: false), high = Duplicate(500, closeOnExec: false), extra = Duplicate(20, closeOnExec: true);
        SubprocessStartInfo plain = new("ls", "/proc/self/fd");
        Assert.Equal(["0", "1", "2", "3"], Spawned.Lines(plain, features: Spawned.Features(way))); // 3: ls's own

        SubprocessStartInfo withExtra = new("ls", "/proc/self/fd") { Descriptors = { [300] = extra } };
        Assert.Equal(["0", "1", "2", "3", "300"], Spawned.Lines(withExtra, features: Spawned.Features(way)));
    }

    [Theory, MemberData(nameof(Spawned.Ways), MemberType = typeof(Spawned))]
    public void Rule09_ExtraDescriptors_MaySwapTheirNumbers(string way)
    {
        using SafeFileHandle a = Open("a"), b = Open("b");
        int numberA = (int)a.DangerousGetHandle(), numberB = (int)b.DangerousGetHandle();
        SubprocessStartInfo info = new("sh", "-c", $"readlink /proc/$$/fd/{numberA}; readlink /proc/$$/fd/{numberB}")
        {
            Descriptors = { [numberA] = b, [numberB] = a },
        };
        Assert.Equal([$"{Folder}/b", $"{Folder}/a"], Spawned.Lines(info, features: Spawned.Features(way)));
    }

    [Theory, MemberData(nameof(Spawned.Ways), MemberType = typeof(Spawned))]
    public void Rule09_ExtraDescriptors_MayOverlapInAChain(string way)
    {
        using SafeFileHandle a = Open("a"), b = Open("b"), c = Open("c");
        int[] numbers = [(int)a.DangerousGetHandle(), (int)b.DangerousGetHandle(), (int)c.DangerousGetHandle()];
        SubprocessStartInfo info = new("sh", ["-c", "for i; do readlink /proc/$$/fd/$i; done", "sh", .. numbers.Select(n => $"{n}"), $"{numbers.Max() + 1}"])
        {
            // Each goes where the next one is, one stays, and one appears twice.
            Descriptors = { [numbers[1]] = a, [numbers[2]] = b, [numbers[0]] = a, [numbers.Max() + 1] = c },
        };
        Assert.Equal([$"{Folder}/a", $"{Folder}/a", $"{Folder}/b", $"{Folder}/c"], Spawned.Lines(info, features: Spawned.Features(way)));
    }

    [Fact]
    public void Rule09_SameNumberInTheChild_LosesCloseOnExecThereAlone()
    {
        using SafeFileHandle a = Open("a");
        int number = (int)a.DangerousGetHandle();
        SubprocessStartInfo info = new("readlink", $"/proc/self/fd/{number}") { Descriptors = { [number] = a } };
        Assert.Equal([$"{Folder}/a"], Spawned.Lines(info));
        Assert.Equal(FD_CLOEXEC, Libc.Fcntl(number, F_GETFD).IntValue);
    }

    [Fact]
    public void Descriptors_HighestNumber_IsPassed()
    {
        using SafeFileHandle a = Open("a");
        SubprocessStartInfo info = new("readlink", "/proc/self/fd/1023") { Descriptors = { [1023] = a } };
        Assert.Equal([$"{Folder}/a"], Spawned.Lines(info));
    }

    [Fact]
    public void Descriptors_NumberThatIsNotOpen_IsNamed()
    {
        using SafeFileHandle stale = new(987_654, ownsHandle: false);
        SubprocessStartInfo info = new("true") { Descriptors = { [7] = stale } };
        SubprocessStartException e = Assert.Throws<SubprocessStartException>(() => Spawned.Start(info));
        Assert.Equal("EBADF: can't start 'true': our descriptor 987654, which was to be the child's 7, is not open", e.Message);
    }

    private SafeFileHandle Open(string name) => File.OpenHandle(Path.Combine(Folder, name), FileMode.Create, FileAccess.ReadWrite);

    private static SafeFileHandle Duplicate(int lowest, bool closeOnExec)
    {
        using SafeFileHandle nothing = File.OpenHandle("/dev/null");
        return new SafeFileHandle(Libc.Fcntl((int)nothing.DangerousGetHandle(), closeOnExec ? F_DUPFD_CLOEXEC : F_DUPFD, lowest).IntValue, ownsHandle: true);
    }
}
