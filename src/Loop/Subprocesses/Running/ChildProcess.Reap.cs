using UnixLoop.Children;

namespace UnixLoop.Subprocesses;

/// <summary>The reap of a child without anything to do before it takes place under the lock that signals are sent under.</summary>
internal sealed partial class ChildProcess
{
    bool IReapGuard.TryBeginReap()
    {
        _gate.Enter();
        // A group is swept, and a terminal's job ended, while the zombie still holds the number: OnExiting.
        if (_state == State.Running && !_killGroupAtExit && _job is null)
            return true;
        _gate.Exit();
        return false;
    }

    void IReapGuard.EndReap(bool isDead)
    {
        if (isDead)
            _state = State.Exiting;
        _gate.Exit();
    }
}
