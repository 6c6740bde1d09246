using System.Text;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;

namespace UnixLoop.Init;

/// <summary>This program once more: the same file, and the bytes of the same arguments and variables (proc_pid_cmdline(5), proc_pid_environ(5)).</summary>
internal static unsafe class InitChild
{
    private const string OwnFile = "/proc/self/exe";

    /// <returns>Its pid.</returns>
    /// <exception cref="IOException">It could not be started.</exception>
    internal static int Start(bool withTerminal)
    {
        byte* actions = stackalloc byte[Libc.SpawnObjectBytes];
        byte* attributes = stackalloc byte[Libc.SpawnObjectBytes];
        new Span<byte>(actions, Libc.SpawnObjectBytes).Clear();
        new Span<byte>(attributes, Libc.SpawnObjectBytes).Clear();
        try
        {
            bool inChild = withTerminal && SpawnFeatures.OfThisLibc.Foreground;
            PosixResult result = Libc.SpawnFileActionsInit(actions);
            if (result.IsSuccess && inChild)
                result = Libc.SpawnFileActionsAddTerminalGroup(actions, TerminalForeground.Terminal);
            if (result.IsSuccess)
                result = SpawnAttributes.Fill(attributes, ProcessGroup.New, resetIgnoredSignals: false);
            if (result.IsSuccess)
                result = Spawn(actions, attributes);
            if (result.IsError)
                throw PosixError.ToException(result, $"start this program again ({Program()}) as the child of PID 1");
            if (withTerminal && !inChild)
                TerminalForeground.GiveTo(result.IntValue);
            return result.IntValue;
        }
        finally
        {
            Libc.SpawnFileActionsDestroy(actions);
            Libc.SpawnAttributesDestroy(attributes);
        }
    }

    private static PosixResult Spawn(byte* actions, byte* attributes)
    {
        byte[] program = [.. Encoding.UTF8.GetBytes(Program()), 0];
        byte[] arguments = File.ReadAllBytes("/proc/self/cmdline");
        byte[] variables = File.ReadAllBytes("/proc/self/environ");
        fixed (byte* path = program)
        fixed (byte* argumentsText = arguments)
        fixed (byte* variablesText = variables)
        fixed (nint* argv = Pointers(argumentsText, arguments.Length))
        fixed (nint* envp = Pointers(variablesText, variables.Length))
            return Libc.Spawn(path, actions, attributes, (byte**)argv, (byte**)envp);
    }

    /// <summary>To each of the NUL-terminated strings in <paramref name="text"/>, and a null.</summary>
    private static nint[] Pointers(byte* text, int length)
    {
        List<nint> pointers = [];
        for (int start = 0; start < length;)
        {
            pointers.Add((nint)(text + start));
            int end = new ReadOnlySpan<byte>(text + start, length - start).IndexOf((byte)0);
            start = end < 0 ? length : start + end + 1;
        }
        return [.. pointers, 0];
    }

    /// <summary>By its name, so that ps(1) shows that; by the link where the file has gone.</summary>
    private static string Program() => File.Exists(Environment.ProcessPath) ? Environment.ProcessPath : OwnFile;
}
