namespace UnixLoop;

/// <summary>A child that was stopped together with its factory.</summary>
/// <param name="Id">Its process id.</param>
/// <param name="FileName">What was started.</param>
/// <param name="Status">How it ended; null if it could not be reaped in time, or may not be killed (EPERM).</param>
/// <param name="Killed">Whether it was sent KILL: it outlived its grace, or that was zero or cut short.</param>
public readonly record struct StoppedSubprocess(int Id, string FileName, ChildExitStatus? Status, bool Killed);
