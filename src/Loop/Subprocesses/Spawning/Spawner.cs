using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>Starts a child by posix_spawn(3), or by the native helper, on the caller's thread, which is held until the exec.</summary>
/// <remarks>
/// Everything that can be known beforehand is checked and opened first, in that order; then comes the one call that makes the
/// child; only a failure is looked into. Whatever goes wrong once the child is there is told by the result, since the child
/// must not be lost. Never fork, vfork or clone from managed code: the child would run in a runtime that has lost its threads.
/// </remarks>
internal static unsafe class Spawner
{
    /// <summary>1 KiB holds a usual command line.</summary>
    private const int ScratchWords = 128;

    private static int s_featuresLogged, s_closeFromLogged;

    /// <summary>Starts a child. On failure nothing is left behind: no child, no descriptor.</summary>
    /// <param name="info">Program, arguments, surroundings; its three streams are not looked at.</param>
    /// <param name="input">The child's descriptor 0.</param>
    /// <param name="output">The child's descriptor 1.</param>
    /// <param name="error">The child's descriptor 2; alone may be <see cref="Stdio.AsOutput"/>.</param>
    /// <param name="logger">For fallbacks of old systems; null logs nothing.</param>
    /// <param name="environment">Our variables; null reads them now.</param>
    /// <param name="cancellationToken">Asked once the files are open, before the child is made.</param>
    /// <exception cref="SubprocessStartException">The child could not be started.</exception>
    /// <exception cref="ArgumentException"><paramref name="info"/> contradicts itself; the message names the property.</exception>
    internal static SpawnedChild Start(SubprocessStartInfo info, Stdio input, Stdio output, Stdio error, ILogger? logger = null, EnvironmentBlock? environment = null, CancellationToken cancellationToken = default) =>
        Start(info, input, output, error, logger, SpawnFeatures.OfThisLibc, environment, cancellationToken);

    /// <summary>As it is done with a C library that has only those <paramref name="features"/>.</summary>
    [SkipLocalsInit] // of the scratch
    internal static SpawnedChild Start(SubprocessStartInfo info, Stdio input, Stdio output, Stdio error, ILogger? logger, SpawnFeatures features, EnvironmentBlock? environment = null, CancellationToken cancellationToken = default)
    {
        StartInfoRules.Check(info, input, output, error);
        if (logger is not null)
            LogFeaturesOnce(logger, features);
        bool hasAttributes = AttributeSupport.Check(info.Attributes, features);

        using ChildAttributes? attributes = hasAttributes ? ChildAttributes.Resolve(info, info.Attributes!) : null;
        Span<nint> scratch = stackalloc nint[ScratchWords];
        using SpawnStrings strings = new(info, environment, scratch);
        using ChildDescriptors descriptors = new(info, logger);
        descriptors.Open(input, output, error);
        // A FIFO may have waited for hours.
        cancellationToken.ThrowIfCancellationRequested();
        ProcessGroup group = SpawnAttributes.Resolve(info.ProcessGroup, input, ownTerminal: output.Kind == StdioKind.Pty);
        BornChild born = attributes is not null
            ? HelperCall.Launch(info, in strings, descriptors, group, attributes, logger)!.Value
            : HelperCall.TryLaunch(info, in strings, descriptors, group, features, logger) ?? Launch(info, in strings, descriptors, group, features, logger);

        descriptors.KeepOurEnds();
        UnixHandle? pidfd = born.Pidfd >= 0 ? new UnixHandle(born.Pidfd) : null;
        int pidfdErrno = pidfd is null ? ChildPidfd.Open(born.Pid, out pidfd) : 0;
        return new SpawnedChild
        {
            Pid = born.Pid,
            Pidfd = pidfd,
            PidfdErrno = pidfdErrno,
            IsTerminalJob = info.ProcessGroup == ProcessGroup.Foreground && input.Kind == StdioKind.Inherit && TerminalForeground.IsShared(),
            LeadsGroup = born.LeadsGroup,
            Cgroup = attributes?.TakeOwnCgroup(),
            Terminal = descriptors.Terminal,
            InputWriteEnd = descriptors.InputWriteEnd,
            OutputReadEnd = descriptors.OutputReadEnd,
            ErrorReadEnd = descriptors.ErrorReadEnd,
        };
    }

    /// <summary>By posix_spawn(3).</summary>
    private static BornChild Launch(SubprocessStartInfo info, scoped in SpawnStrings strings, ChildDescriptors descriptors, ProcessGroup group, SpawnFeatures features, ILogger? logger)
    {
        if (logger is not null && !features.CloseFrom)
            LogCloseFromMissingOnce(logger);
        group = SpawnAttributes.ResolveDefault(group);
        if (info.WorkingDirectory is not null && !features.ChangeDirectory)
            throw StartErrors.Create(info, SubprocessStartError.Other, ENOSYS, "this C library can't give a child a working directory: posix_spawn_file_actions_addchdir_np came with glibc 2.29 and musl 1.1.24");
        byte* actions = stackalloc byte[Libc.SpawnObjectBytes];
        byte* attributes = stackalloc byte[Libc.SpawnObjectBytes];
        // Zeroed, they may be destroyed even if they were never initialised.
        new Span<byte>(actions, Libc.SpawnObjectBytes).Clear();
        new Span<byte>(attributes, Libc.SpawnObjectBytes).Clear();
        try
        {
            PosixResult prepared = SpawnActions.Fill(actions, descriptors, strings.WorkingDirectory, group == ProcessGroup.Foreground, features);
            if (prepared.IsSuccess)
                prepared = SpawnAttributes.Fill(attributes, group, info.ResetIgnoredSignals);
            if (prepared.IsError)
                throw StartErrors.Preparation(info, descriptors, features, prepared.Errno);

            SpawnCall call = new(actions, attributes, in strings, features);
            PosixResult pid = ProgramSearch.Start(ref call, info, in strings, out string? program);
            if (group == ProcessGroup.Foreground)
                SettleForeground(pid, features);
            if (pid.IsError)
                throw StartDiagnosis.Explain(info, pid.Errno, program, strings.SearchPath ?? ProgramSearch.DefaultPath, descriptors);
            return new BornChild(pid.IntValue, call.Pidfd, LeadsGroup: group != ProcessGroup.Inherit);
        }
        finally
        {
            Libc.SpawnFileActionsDestroy(actions);
            Libc.SpawnAttributesDestroy(attributes);
        }
    }

    private const int NoGroup = 0;

    private static void SettleForeground(PosixResult pid, SpawnFeatures features)
    {
        // A child whose exec failed has taken the terminal with it.
        if (pid.IsError)
            TerminalForeground.TakeBack(NoGroup);
        else if (!features.Foreground)
            TerminalForeground.GiveTo(pid.IntValue);
    }

    private static void LogFeaturesOnce(ILogger logger, SpawnFeatures features)
    {
        if (s_featuresLogged == 0 && Interlocked.Exchange(ref s_featuresLogged, 1) == 0)
            SpawnLog.Features(logger, features.CloseFrom, features.ChangeDirectory, features.Pidfd);
    }

    private static void LogCloseFromMissingOnce(ILogger logger)
    {
        if (s_closeFromLogged == 0 && Interlocked.Exchange(ref s_closeFromLogged, 1) == 0)
            SpawnLog.CloseFromMissing(logger);
    }
}
