namespace UnixLoop.Subprocesses;

/// <summary>A child that has just been made.</summary>
/// <param name="Pid">Its pid.</param>
/// <param name="Pidfd">The pidfd that came with it; -1 if none did.</param>
/// <param name="LeadsGroup">Whether it has a group, or a session, of its own.</param>
internal readonly record struct BornChild(int Pid, int Pidfd, bool LeadsGroup);
