using System.Runtime.InteropServices;

namespace UnixLoop.Hosting;

/// <summary>
/// Keeps the signals of <c>OnSignal</c> and of the reload from ending the process when the loops, which handle them, have ended: one that
/// comes a moment later would turn a clean stop into exit code 128 + n.
/// </summary>
/// <remarks>
/// They are held for a while after the container's disposal: loggers are disposed after us, Main has to return and the runtime to end. A
/// process that goes on after its host then has their default actions again. TERM, INT and QUIT are left out: they are to end a process
/// whose end hangs.
/// </remarks>
internal sealed class SignalHold(TimeProvider? time = null) : IDisposable
{
    private readonly List<PosixSignalRegistration> _held = [];
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Roots the timer, whose state we are.</summary>
    private ITimer? _release;

    /// <summary>For a signal that the loop handles already, so that it is known to be one that can be.</summary>
    internal void Add(UnixSignal signal)
    {
        // A SIGCHLD ends nothing, and a registration for it would have the runtime reap more than its own (linux.md, rule 15).
        if (signal == UnixSignal.Term || signal == UnixSignal.Int || signal == UnixSignal.Quit || signal == UnixSignal.Chld)
            return;
        // The number as it is: PosixSignal's own names are negative.
        _held.Add(PosixSignalRegistration.Create((PosixSignal)signal.Number, static context => context.Cancel = true));
    }

    /// <summary>Begins the end of the hold; once.</summary>
    public void Dispose()
    {
        if (_held.Count > 0)
            _release ??= _time.CreateTimer(static hold => ((SignalHold)hold!).Release(), this, ShutdownBudget.Reserve, Timeout.InfiniteTimeSpan);
    }

    private void Release()
    {
        foreach (PosixSignalRegistration signal in _held)
            signal.Dispose();
        _release?.Dispose();
    }
}
