namespace UnixLoop;

/// <summary>The end of a process that had lost its parent, as the init that reaped it tells it.</summary>
/// <param name="ProcessId">Its pid, which may be another process's by now.</param>
/// <param name="Status">How it ended.</param>
public readonly record struct AdoptedExit(int ProcessId, ChildExitStatus Status);
