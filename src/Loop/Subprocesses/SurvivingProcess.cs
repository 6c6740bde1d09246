namespace UnixLoop;

/// <summary>A process that a child had started, itself or through others, and that outlived the stop of the child's tree.</summary>
/// <param name="Id">Its process id.</param>
/// <param name="Name">What the kernel calls it: at most 15 bytes of its program's name (proc_pid_comm(5)).</param>
public readonly record struct SurvivingProcess(int Id, string Name);
