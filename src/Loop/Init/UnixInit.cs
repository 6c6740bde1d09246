using UnixLoop.Init;
using UnixLoop.Interop;

namespace UnixLoop;

/// <summary>
/// The init of a container: adopts and reaps orphans, passes signals on, and ends as its child ends. A program that is started as PID 1
/// becomes one for itself (<see cref="RunAsPid1"/>), or for another program (<see cref="Run"/>).
/// </summary>
/// <remarks>
/// As PID 1 the runtime reaps every child as soon as it handles SIGCHLD, which <c>System.Diagnostics.Process</c> and a
/// terminal's <c>Console</c> make it do; statuses are lost then on kernels before 6.15. A program that is not PID 1 keeps them all.
/// The child has a process group of its own, which gets the foreground if there is a terminal. All signals that can be
/// handled are passed on, once each and in the order in which the kernel gives them, but for SIGCHLD, SIGTTIN and SIGTTOU. Nothing may have used
/// <c>Console</c> or <c>Process</c> before.
/// An init executes its own program once more (execve(2)), with these signals blocked, unless whoever started it has blocked them: only so does no
/// thread of the runtime take one. What Main does before is done twice, so let it do nothing. Once the child has ended they stay blocked: let Main return.
/// </remarks>
public static class UnixInit
{
    /// <summary>
    /// The first line of Main: <c>if (UnixInit.RunAsPid1(args) is int code) return code;</c>. As PID 1 starts this program again as
    /// a child, passes signals on to it, reaps what is left to PID 1, and returns when the child has ended.
    /// </summary>
    /// <remarks>
    /// The child has our arguments, variables, standard streams and inherited descriptors; LISTEN_PID and WATCHDOG_PID that name PID 1
    /// mean the child then. With <see cref="UnixInitOptions.Subreaper"/> this is done where we are not PID 1 as well.
    /// PID 1 begins Main twice, and comes back here in between: what stands before this line is done three times, the child's included.
    /// </remarks>
    /// <param name="args">Main's. The child gets the whole command line, as it stands in /proc/self/cmdline.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>Null if this process is to go on. Else what Main is to return: the child's exit code, or 128 plus the number of the signal that killed it.</returns>
    /// <exception cref="IOException">The child could not be started, or this program not be executed once more; the message names the errno.</exception>
    /// <exception cref="ArgumentException"><see cref="UnixInitOptions.SignalMap"/> names a signal that is not passed on; also where we are not PID 1.</exception>
    public static int? RunAsPid1(string[] args, UnixInitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(args);
        options ??= new UnixInitOptions();
        options.ThrowIfInvalid();
        if (!OperatingSystem.IsLinux() || InitReport.TryTakeOver() || (Environment.ProcessId != 1 && !options.Subreaper))
            return null;
        InitReexec.EnsureSignalsAreBlocked();
        using InitReport? report = InitReport.TryCreate();
        InitProgram program = InitProgram.Self();
        program.SetVariable(InitReport.Variable, InitReport.ValueFor(report));
        return new InitReaper(program, options, report).Run();
    }

    /// <summary>Runs another program as the child, PID 1 or not, as tini(1) does. Blocks until it has ended.</summary>
    /// <remarks>To be called by the first line of Main that does anything: our own program is executed once more, and comes back here.</remarks>
    /// <param name="fileName">A path, or a name that is looked up in PATH.</param>
    /// <param name="arguments">Its arguments, without its name. It has our variables, standard streams and inherited descriptors.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>Its exit code, or 128 plus the number of the signal that killed it.</returns>
    /// <exception cref="IOException">It could not be started; the message names the errno, which is <see cref="Exception.HResult"/> (2 = ENOENT, no such program, or no interpreter of it).</exception>
    /// <exception cref="ArgumentException"><see cref="UnixInitOptions.SignalMap"/> names a signal that is not passed on; or the name or an argument is null or has a NUL.</exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public static int Run(string fileName, IEnumerable<string> arguments, UnixInitOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(fileName);
        ArgumentNullException.ThrowIfNull(arguments);
        string[] passed = [.. arguments];
        ThrowIfNotPassable(fileName, nameof(fileName));
        foreach (string argument in passed)
            ThrowIfNotPassable(argument, nameof(arguments));
        options ??= new UnixInitOptions();
        options.ThrowIfInvalid();
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("UnixInit runs on Linux only.");
        InitReexec.EnsureSignalsAreBlocked();
        return new InitReaper(InitProgram.Command(fileName, passed), options, report: null).Run();
    }

    /// <summary>Tells of the orphans that the init above us has reaped: descendants of ours whose parents ended before them.</summary>
    /// <param name="loop">A loop that runs.</param>
    /// <param name="callback">Runs on the loop's thread. Who does not read for long loses reports beyond a pipe's 8,192; the init waits for nobody.</param>
    /// <returns>Disposing it ends the reports; null if this program does not run below <see cref="RunAsPid1"/>, or has asked before, also where that is over: the reports go to the first who asks.</returns>
    public static IDisposable? WatchAdoptedExits(IUnixEventLoop loop, Action<AdoptedExit> callback)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(callback);
        return InitReport.TakeDescriptor() is UnixHandle pipe ? new AdoptedExits(loop, pipe, callback) : null;
    }

    /// <summary>What stands behind a NUL would be an argument of its own.</summary>
    private static void ThrowIfNotPassable(string? text, string parameter)
    {
        ArgumentNullException.ThrowIfNull(text, parameter);
        if (PosixText.FaultOf(text) is { } fault)
            throw new ArgumentException($"'{text.Replace("\0", "\\0", StringComparison.Ordinal)}' {fault}.", parameter);
    }
}
