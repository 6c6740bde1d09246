using UnixLoop.Children;
using UnixLoop.Interop;
using static UnixLoop.Interop.Libc;

namespace UnixLoop.Subprocesses;

/// <summary>The watcher, or its loop, went away between the check and the registration: the start fails, and the child is reaped here.</summary>
internal sealed partial class ChildProcess
{
    private bool _isUnwatched;

    private void Watch()
    {
        try
        {
            _services.Watch(Id, _pidfd, this);
        }
        catch
        {
            _isUnwatched = true;
            throw;
        }
    }

    /// <summary>For a child that has just been killed: waits on a thread of the pool.</summary>
    private async Task ReapUnwatchedAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        OnExiting(Id);
        OnExited(Id, WaitHere());
    }

    private unsafe ChildExitStatus WaitHere()
    {
        siginfo_t info = default;
        PosixResult waited = _pidfd is null
            ? WaitId(P_PID, Id, &info, WEXITED, usage: null)
            : WaitId(P_PIDFD, _pidfd.Descriptor, &info, WEXITED, usage: null);
        return waited.IsSuccess
            ? ChildStatusWord.Decode(ChildStatusWord.From(info.si_code, info.si_status))
            : new ChildExitStatus { Kind = ChildExitKind.ReapedElsewhere };
    }
}
