namespace UnixLoop.Interop;

internal static unsafe partial class SpawnHelper
{
    /// <summary>The helper's steps for a fault plan: those that <paramref name="request"/> asks for, in their order. A step that fails leaves no child.</summary>
    private static bool FailsAtAStep(SpawnRequest* request, out PosixResult fault)
    {
        SpawnFlags flags = request->Flags;
        request->Pidfd = -1;
        SpawnStep step =
            Faults.Fails("clone3", out fault) ? SpawnStep.Clone
            : flags.HasFlag(SpawnFlags.NewSession) && Faults.Fails("setsid", out fault) ? SpawnStep.Session
            : (flags & (SpawnFlags.NewGroup | SpawnFlags.NewGroupUnlessTerminal)) != 0 && Faults.Fails("setpgid", out fault) ? SpawnStep.ProcessGroup
            : request->MoveCount > 0 && Faults.Fails("dup3", out fault) ? SpawnStep.Descriptor
            : flags.HasFlag(SpawnFlags.ControllingTerminal) && Faults.Fails("ioctl TIOCSCTTY", out fault) ? SpawnStep.Terminal
            : Faults.Fails("close_range", out fault) ? SpawnStep.Close
            : request->LimitCount > 0 && Faults.Fails("prlimit", out fault) ? SpawnStep.Limit
            : request->Directory != null && Faults.Fails("chdir", out fault) ? SpawnStep.Directory
            : flags.HasFlag(SpawnFlags.SetGroups) && Faults.Fails("setgroups", out fault) ? SpawnStep.SetGroups
            : flags.HasFlag(SpawnFlags.SetGroup) && Faults.Fails("setresgid", out fault) ? SpawnStep.SetGroup
            : flags.HasFlag(SpawnFlags.SetUser) && Faults.Fails("setresuid", out fault) ? SpawnStep.SetUser
            : flags.HasFlag(SpawnFlags.NoNewPrivileges) && Faults.Fails("prctl", out fault) ? SpawnStep.NoNewPrivileges
            : Faults.Fails("execve", out fault) ? SpawnStep.Exec
            : SpawnStep.None;
        request->Step = step;
        request->Detail = step switch
        {
            SpawnStep.Limit => (int)request->Limits->Resource,
            SpawnStep.Descriptor => request->Moves->Target,
            _ => 0,
        };
        return step != SpawnStep.None;
    }
}
