namespace UnixLoop;

/// <summary>A child that was stopped together with its factory.</summary>
/// <param name="Id">Its process id.</param>
/// <param name="FileName">What was started.</param>
/// <param name="Status">How it ended; null if it could not be reaped in time.</param>
/// <param name="Killed">Whether it outlived its grace and needed KILL.</param>
public readonly record struct StoppedSubprocess(int Id, string FileName, ChildExitStatus? Status, bool Killed);
