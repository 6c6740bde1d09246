namespace UnixLoop;

// from      to        by
// Created   Running   StartAsync, which starts the thread
// Created   Stopping  StopAsync, which ends the loop on the calling thread: there is no other
// Running   Stopping  StopAsync; the thread sees it at its next turn. Or the thread itself, after a fault
// Stopping  Ended     End, when all is released
internal enum LoopState
{
    Created,
    Running,
    Stopping,
    Ended,
}
