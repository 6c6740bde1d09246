using UnixLoop.Init;

namespace UnixLoop;

/// <summary>Lets a program be started as PID 1 of a container without an init: it becomes one, and runs itself as its child.</summary>
/// <remarks>
/// As PID 1 the runtime reaps every child as soon as it handles SIGCHLD, which <c>System.Diagnostics.Process</c> and a
/// terminal's <c>Console</c> make it do; statuses are lost then on kernels before 6.15. A program that is not PID 1 keeps them all.
/// </remarks>
public static class UnixInit
{
    /// <summary>
    /// The first line of Main: <c>if (UnixInit.RunAsPid1(args) is int code) return code;</c>. As PID 1 starts this program again as
    /// a child, passes signals on to it, reaps what is left to PID 1, and returns when the child has ended.
    /// </summary>
    /// <remarks>
    /// The child has our arguments, variables and standard streams, and a process group of its own, which gets the foreground if
    /// there is a terminal. All signals that can be handled are passed on, once each, but for SIGCHLD, SIGTTIN and SIGTTOU.
    /// Nothing may have used <c>Console</c> or <c>Process</c> before.
    /// </remarks>
    /// <param name="args">Main's. The child gets the whole command line, as it stands in /proc/self/cmdline.</param>
    /// <returns>Null if this process is not PID 1: go on. Else what Main is to return: the child's exit code, or 128 plus the number of the signal that killed it.</returns>
    /// <exception cref="IOException">The child could not be started; the message names the errno.</exception>
    public static int? RunAsPid1(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        return OperatingSystem.IsLinux() && Environment.ProcessId == 1 ? InitReaper.Run() : null;
    }
}
