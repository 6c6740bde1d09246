using UnixLoop.Fault.Tests.Injection;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>A scenario with children: what their API documents beyond the errors that name the errno.</summary>
internal abstract class ChildScenario : Scenario
{
    internal override bool HasChild => true;

    /// <summary>Every descriptor that is registered here is a pipe or a pidfd of the library's own, which epoll takes.</summary>
    internal override bool CanHappen(string function, int errno) => function != "epoll_ctl EPOLL_CTL_ADD" || errno != EPERM;

    internal override bool Documents(Exception exception, InjectedFault fault) => exception switch
    {
        // A directory of the PATH that can't be searched is passed over.
        SubprocessStartException start => fault.Function == "access" && start.Reason == SubprocessStartError.NotFound,
        PlatformNotSupportedException => fault.Function == "pidfd_open",
        UnauthorizedAccessException => fault is { Function: "kill" or "pidfd_send_signal", Kind: FaultKind.Fail },
        SubprocessFailedException failed => fault.Kind is FaultKind.ChildDies or FaultKind.ChildStolen && !failed.Exit.IsSuccess,
        IOException io => fault.Kind is FaultKind.ChildDies or FaultKind.ChildStolen && io.HResult == EPIPE,
        _ => false,
    };
}
